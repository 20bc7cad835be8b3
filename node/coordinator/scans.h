#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/coordinator/parts.h"
#include "ring/bucket.h"
#include "storage/key.h"
#include "storage/record.h"

namespace coterie::coordinator {

/// The scans that this shard coordinates; see Coordinator. Each page is merged from R owners' pages
/// as far as the shortest of them reaches. Repairs nothing.
class Scans {
 public:
  explicit Scans(Parts& parts) : parts_(parts) {}

  struct Start {
    ClientHandle client;
    Instant deadline;
    const Bucket& bucket;
    const Placement& placement;
    const KeyRange& range;
    const wire::Scan& scan;
  };
  void start(const Start& start, const Now& now);

  void on_answer(const TagParts& tag, NodeId from, const wire::ReplicaScanReply& reply,
                 const Now& now);
  void on_local_durable(const TagParts& tag, const Now& now);
  void on_error(const TagParts& tag, NodeId from, const Error& error, const Now& now);
  void on_peer_lost(NodeId peer, const Now& now);
  void on_deadline(std::uint64_t id);
  void on_hedge(std::uint64_t id, const Now& now);
  /// The ring has changed.
  void on_ring(const Now& now);

  [[nodiscard]] std::size_t size() const { return operations_.size(); }

 private:
  enum class Read : std::uint8_t { idle, asked, durable, answered, failed };

  /// One owner's.
  struct Page {
    Read read = Read::idle;
    bool is_counted = false;  // in PeerLoad
    bool is_truncated = false;
    bool is_second = false;  // asked again, for a purge that came in between
    Generation generation;
    Generation purged;
    std::size_t next = 0;                   // of `entries`, while they are merged
    std::vector<LocalScan::Entry> entries;  // keys ascend
  };

  struct Operation {
    KeyRange range;
    Bytes from;
    ClientHandle client;
    Instant deadline;
    BucketId bucket;
    PartitionId partition;
    ConfigurationNumber configuration;
    Owners owners;
    PlaceOrder order{};
    transition::PlaceQuorum quorum;
    std::array<Page, places_most> pages;
    std::uint32_t limit_records = 0;
    std::uint8_t r = 0;
    bool is_sloppy = false;
    bool is_stale = false;  // an owner has fenced a later configuration
    Resolver resolver = Resolver::siblings;
    std::size_t held_bytes = 0;  // of all pages, as Parts counts them
    std::string last_error;

    void reset();
    /// Fallbacks that R rests on.
    [[nodiscard]] std::uint16_t stand_ins() const;
    /// Why R is not reached, in words.
    [[nodiscard]] std::string too_few() const;
  };

  /// What goes to the client; `contexts` holds what the entries borrow.
  struct Merged {
    std::vector<wire::ScanEntry> entries;
    std::vector<Bytes> contexts;
    std::size_t bytes = 0;
    BytesView last;  // the last key gone past
    bool has_more = false;
  };

  [[nodiscard]] Operation* find(const TagParts& tag, NodeId from);
  void advance(std::uint64_t id, Operation& operation, const Now& now);
  [[nodiscard]] bool move_on(std::uint64_t id, Operation& operation, const Now& now);
  void add_timers(std::uint64_t id, const Operation& operation, const Now& now);
  [[nodiscard]] bool ask_next(std::uint64_t id, Operation& operation);
  void ask(std::uint64_t id, Operation& operation, std::uint8_t owner);
  [[nodiscard]] static wire::ReplicaScan message_to(const Operation& operation, std::uint8_t owner);
  void scan_local(std::uint64_t id, Operation& operation);
  [[nodiscard]] static bool awaits(const Page& page, Read read, const TagParts& tag);
  [[nodiscard]] bool ask_again(std::uint64_t id, Operation& operation);
  void give_back(Operation& operation, Page& page);
  void take(Operation& operation, const Page& page);
  [[nodiscard]] bool merge(Operation& operation, Merged& merged, const Now& now);
  [[nodiscard]] bool merge_key(Operation& operation, BytesView key, Record& record);
  void answer(std::uint64_t id, Operation& operation, const Now& now);
  void fail(std::uint64_t id, Operation& operation, ErrorCode code, std::string_view why);
  void drop(Operation& operation, std::uint8_t owner, const Error& error);
  void uncount(Operation& operation, std::size_t owner);
  void release(std::uint64_t id, Operation& operation);

  Parts& parts_;
  Slab<Operation> operations_;
};

}  // namespace coterie::coordinator
