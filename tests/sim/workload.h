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
    bool uses_lww = true;
    bool uses_interval = true;
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

  /// Requests that a healthy node left unanswered beyond their deadline.
  [[nodiscard]] const std::vector<OperationIndex>& unanswered() const { return unanswered_; }
  [[nodiscard]] const History& history() const { return history_; }

 private:
  struct Try;

  void session_step(std::size_t session);
  [[nodiscard]] Request draw_request(std::size_t session);
  [[nodiscard]] std::optional<OperationIndex> draw_context(std::size_t session, KeyIndex key);
  void send(const Try& attempt);
  [[nodiscard]] Bytes frame_of(const Try& attempt, const wire::Envelope& envelope) const;
  void on_answer(const Try& attempt, const Result<SimClient::Reply>& reply);
  void take_get(OperationIndex index, BytesView body);
  void take_put(OperationIndex index, BytesView body);
  void take_error(const Try& attempt, const Error& error);
  [[nodiscard]] bool is_owner(const Request& request) const;
  void conclude(OperationIndex index, Outcome outcome);
  [[nodiscard]] Bytes storage_key(KeyIndex key) const;
  [[nodiscard]] bool seen_nothing_new(OperationIndex index, BytesView context) const;

  Cluster& cluster_;
  History& history_;
  Settings settings_;
  Random random_;
  bool is_stopped_ = false;
  std::size_t running_ = 0;
  std::map<OperationIndex, Bytes> contexts_;
  std::map<OperationIndex, Bytes> values_;
  /// Operations that gave contexts for a key, newest last; and each session's own last.
  std::map<KeyIndex, std::deque<OperationIndex>> recent_;
  std::map<std::pair<std::size_t, KeyIndex>, OperationIndex> own_;
  std::map<OperationIndex, Done> waiting_;
  std::map<OperationIndex, std::uint32_t> open_tries_;
  std::vector<OperationIndex> unanswered_;
};

}  // namespace coterie::sim
