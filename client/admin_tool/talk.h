#pragma once

#include <expected>
#include <string>
#include <vector>

#include "client/admin_tool/fetch.h"
#include "client/admin_tool/views.h"

/// How a command of cluster-admin asks and answers: the doors it talks to, what it prints, how it
/// ends.
namespace coterie::admin_tool {

inline constexpr int exit_well = 0;
inline constexpr int exit_degraded = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreachable = 5;

/// Of all commands, as the command line has them.
struct Options {
  std::string node = "127.0.0.1:7403";
  bool json = false;
  int watch_s = 0;
  std::string partition;
  std::string key;
  std::string bucket = "default";
  std::string sort_key;
  bool is_base64 = false;
  std::string action;  // of handoff
  std::string target;
  std::string member;  // of repair and verify, here and below
  std::string repaired_bucket;
  bool is_cancel = false;
  bool is_accepting = false;  // of repair
  bool is_sure = false;
  bool is_status = false;  // of scrub
  bool with_all = false;   // of transfers and plan
  /// What is asked without --node.
  std::string usual_node = node;
  std::string address;  // of changes of the ring, here and below
  std::string weight;
  std::string zone;
  std::string hash;
  std::string change;
  std::string r;  // of buckets, here and below
  std::string w;
  std::string durability;
  std::string resolver;
  std::string time_to_live;
  bool is_sloppy = false;
  std::vector<std::string> lost;  // of force-lineage
  bool is_dead = false;
  bool is_forced = false;
};

using View = Result<Rendered> (*)(const std::string&, bool);

/// Says what is wrong on standard error; `code`.
int complain(int code, const std::string& text);
int usage_error(const std::string& text);

/// Asks the named door; prints nothing. The int is the exit code of what went wrong, which has been
/// said.
[[nodiscard]] std::expected<Fetched, int> ask(const Options& options, const std::string& path);
/// What commands to be typed next need to reach the same node: " --node HOST:PORT", or nothing.
[[nodiscard]] std::string again(const Options& options);
/// Tells one door to do something that may take long; what it answered, or the exit code of what
/// went wrong, which has been said.
[[nodiscard]] std::expected<std::string, int> tell_one(const Address& door, const std::string& path,
                                                       const std::string& order);
/// A document as the view shows it, or as it is where JSON is wanted; the exit code.
int show(const Options& options, const std::string& document, View view);
int show(const Options& options, const std::string& document, const Result<Rendered>& rendered);

/// The named door's node first, then the other members that it sees alive or suspect.
struct Members {
  std::string status;  // its /v1/status
  std::vector<std::string> ids;
  std::vector<Address> doors;  // of each
};
[[nodiscard]] std::expected<Members, int> members_of(const Options& options);
/// What they answer to a path, together (merge_answers()).
[[nodiscard]] std::string answers_of(const Members& members, const std::string& path);
/// Tells every member to do something (a JSON object), and says who did not.
struct Told {
  std::vector<std::string> ids;  // of those that did, something being there to do
  std::uint64_t sum = 0;         // of the field `what` of their answers
  int code = exit_well;          // the worst
};
[[nodiscard]] Told tell(const Members& members, const std::string& path, const std::string& order,
                        const std::string& what);
/// The id of the one member whose id begins so, or who has that address.
[[nodiscard]] std::expected<std::string, int> member_named(const Members& members,
                                                           const std::string& text);

}  // namespace coterie::admin_tool
