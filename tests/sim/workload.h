#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/history.h"

namespace coterie::sim {

/// What clients do to the cluster, drawn from the seed; all that they see goes into the History.
class Workload {
 public:
  struct Settings {
    std::size_t sessions = 4;
    std::size_t keys = 12;
    Duration think_most = 60ms;
    Duration deadline_least = 300ms;
    Duration deadline_most = 4s;
    /// Of a put whose outcome is unknown, the first included.
    std::uint32_t tries_most = 3;
    std::size_t value_bytes_most = 300;
    /// Chances of one operation; what is left are gets.
    double put = 0.5;
    double remove = 0.05;
    /// Of a put: without a context, or with an old one.
    double blind = 0.2;
    double stale = 0.15;
    /// Of any operation: R or W of its own instead of the bucket's.
    double own_quorum = 0.15;
    double own_durability = 0.05;
    /// Of a put: sent twice at once under one request id.
    double doubled = 0.05;
    /// Of any operation: a page of a scan.
    double scan = 0.05;
    /// Of a put: its value expires.
    double expiring = 0;
    /// Keys that share a partition key.
    std::size_t sort_keys = 1;
    bool uses_lww = true;
    bool uses_interval = true;
  };

  /// What a scan covers: the key's partition key, or its bucket in the whole partition.
  struct Range {
    bool is_whole = false;
    std::string from;
    std::string to;
    std::uint32_t limit_records = 0;
    Bytes cursor;
  };
  /// What to ask of whom. Absent: drawn or the bucket's.
  struct Request {
    OperationKind kind = OperationKind::get;
    KeyIndex key = 0;
    std::size_t client = 0;
    std::size_t node = 0;
    std::uint32_t quorum = 0;  // 0: the bucket's
    wire::Durability durability = wire::Durability::bucket_default;
    /// The operation whose context goes with it.
    std::optional<OperationIndex> context_of;
    Range range;
    Duration time_to_live{};
    Duration deadline = 5s;
    bool is_doubled = false;
    std::uint32_t tries_most = 1;
  };
  using Done = std::function<void(OperationIndex)>;

  Workload(Cluster& cluster, History& history, const Settings& settings);
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  /// Sessions begin to ask, one operation at a time each; until stop().
  void start();
  void stop() { is_stopped_ = true; }
  /// Nothing that was asked is unanswered.
  [[nodiscard]] bool is_idle() const { return running_ == 0; }
  /// One operation; `done` once its outcome is known.
  OperationIndex issue(const Request& request, Done done);

  /// The page after one that was done; none: it was the last.
  [[nodiscard]] std::optional<Request> next_page(OperationIndex scan, Request request) const;

  /// Requests that a healthy node left unanswered beyond their deadline.
  [[nodiscard]] const std::vector<OperationIndex>& unanswered() const { return unanswered_; }
  [[nodiscard]] const History& history() const { return history_; }

 private:
  /// One request on its way; tries of one operation share its id.
  struct Try {
    OperationIndex index = 0;
    Request request;
    RequestId id;
    SimClient::Door door;
  };

  void session_step(std::size_t session);
  void ask(std::size_t session, const Request& request);
  [[nodiscard]] Request draw_request(std::size_t session);
  [[nodiscard]] std::optional<OperationIndex> draw_context(std::size_t session, KeyIndex key);
  void send(const Try& attempt);
  [[nodiscard]] Bytes frame_of(const Try& attempt, const wire::Envelope& envelope) const;
  void on_answer(const Try& attempt, const Result<SimClient::Reply>& reply);
  void take_get(OperationIndex index, BytesView body);
  void take_values(Operation& operation, const std::vector<wire::SiblingView>& siblings) const;
  void take_scan(const Try& attempt, BytesView body);
  /// Null: the page has gone past the key and shows nothing of it.
  void take_entry(OperationIndex scan, KeyIndex key, const wire::ScanEntry* entry);
  void note_context(KeyIndex key, OperationIndex index);
  [[nodiscard]] wire::Scan scan_of(const Request& request) const;
  void draw_scan(Request& request);
  [[nodiscard]] std::optional<KeyIndex> find_key(BucketId bucket, BytesView partition_key,
                                                 BytesView sort_key) const;
  [[nodiscard]] bool is_in_range(KeyIndex key, const Request& request) const;
  void take_put(OperationIndex index, BytesView body);
  void take_error(const Try& attempt, const Error& error);
  [[nodiscard]] bool is_owner(const Request& request) const;
  void look_for_emptyings();
  void conclude(OperationIndex index, Outcome outcome);
  [[nodiscard]] bool seen_nothing_new(OperationIndex index, BytesView context) const;

  Cluster& cluster_;
  History& history_;
  Settings settings_;
  Random random_;
  bool is_stopped_ = false;
  std::size_t running_ = 0;
  std::map<OperationIndex, Bytes> contexts_;
  std::map<OperationIndex, Bytes> cursors_;  // of scans that have a further page
  std::map<OperationIndex, Bytes> values_;
  /// Operations that gave contexts for a key, newest last; and each session's own last.
  std::map<KeyIndex, std::deque<OperationIndex>> recent_;
  std::map<std::pair<std::size_t, KeyIndex>, OperationIndex> own_;
  std::map<OperationIndex, Done> waiting_;
  std::map<OperationIndex, std::uint32_t> open_tries_;
  std::vector<OperationIndex> unanswered_;
  std::vector<std::uint64_t> destroyed_copies_;  // of each node, seen so far
};

}  // namespace coterie::sim
