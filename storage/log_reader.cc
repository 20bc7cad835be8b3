#include "storage/log_reader.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "storage/log_format.h"

namespace coterie {

namespace {

using log_format::Header;

struct FoundSegment {
  LogSegment segment;
  std::uint64_t number = 0;
  std::optional<Header> head;  // the batch at its beginning
  std::uint64_t replayed_bytes = 0;
  bool is_live = false;
};

/// A batch that lies beyond the end of the chain.
struct LaterBatch {
  Header header;
  std::vector<std::uint32_t> partitions;
  /// It is not known whom all it concerns.
  bool concerns_all = false;
};

class Replayer {
 public:
  Replayer(FileSystem& files, const LogReaderOptions& options, const ReplayVisitor& apply)
      : files_(files), options_(options), apply_(apply) {}

  Result<LogReplay> run() {
    if (auto done = open_segments(); !done) return std::unexpected(std::move(done).error());
    if (auto done = follow_chain(); !done) return std::unexpected(std::move(done).error());
    if (auto done = find_later(); !done) return std::unexpected(std::move(done).error());
    LogReplay replay;
    judge(replay);
    if (auto done = hand_over(replay.end); !done) return std::unexpected(std::move(done).error());
    return replay;
  }

 private:
  Result<void> open_segments() {
    auto names = files_.list(options_.directory);
    if (!names) return std::unexpected(std::move(names).error());
    for (const auto& name : *names) {
      const auto number = segment_number(name);
      if (number == 0) continue;
      auto file = files_.open(options_.directory + "/" + name, FileSystem::Mode::read_write);
      if (!file) return std::unexpected(std::move(file).error());
      auto size = (*file)->size();
      if (!size) return std::unexpected(std::move(size).error());
      auto head = (*file)->read_at(0, log_format::header_bytes);
      if (!head) return std::unexpected(std::move(head).error());
      found_.push_back({.segment = {.name = name, .file = std::move(*file), .size_bytes = *size},
                        .number = number,
                        .head = log_format::read_header(*head, options_.log_id)});
    }
    return {};
  }

  [[nodiscard]] bool continues(const Header& header) const {
    if (header.version > log_format::version) return true;  // to be refused, not to be overlooked
    if (header.previous != previous_) return false;
    return header.first.value == last_.value + 1 ||
           (header.is_opening && header.first.value > last_.value);
  }

  /// Where the chain may begin: the latest segment from which nothing above the table is missed.
  FoundSegment* first_segment() {
    FoundSegment* best = nullptr;
    for (auto& segment : found_) {
      if (!segment.head || segment.head->first.value > options_.table.value + 1) continue;
      const auto rank = [](const FoundSegment& s) { return std::pair(s.head->run, s.head->first); };
      if (best == nullptr || rank(*best) < rank(segment)) best = &segment;
    }
    return best;
  }

  FoundSegment* next_segment() {
    FoundSegment* best = nullptr;
    for (auto& segment : found_) {
      if (segment.is_live || !segment.head || !continues(*segment.head)) continue;
      if (best == nullptr || best->head->run < segment.head->run) best = &segment;
    }
    return best;
  }

  Result<void> follow_chain() {
    auto* segment = first_segment();
    if (segment == nullptr) return {};
    has_chain_ = true;
    last_ = LogPosition{segment->head->first.value - 1};
    previous_ = segment->head->previous;
    run_ = segment->head->run;
    for (; segment != nullptr; segment = next_segment()) {
      if (auto done = replay_segment(*segment); !done) return done;
      if (segment->replayed_bytes == 0) break;  // its first batch is whole only in its header
      live_.push_back(segment);
    }
    return {};
  }

  Result<void> replay_segment(FoundSegment& found) {
    auto bytes = found.segment.file->read_at(0, found.segment.size_bytes);
    if (!bytes) return std::unexpected(std::move(bytes).error());
    while (found.replayed_bytes < bytes->size()) {
      const auto rest = BytesView(*bytes).substr(found.replayed_bytes);
      auto header = log_format::read_header(rest, options_.log_id);
#ifdef COTERIE_PLANT_OLD_BATCH  // defined only where a test must see it
      if (header && !header->is_opening) {
        header->first = LogPosition{last_.value + 1};
        header->previous = previous_;
      }
#endif
      if (!header || !continues(*header)) break;
      if (header->version > log_format::version) {
        return fail(ErrorCode::unsupported_version,
                    found.segment.name + " was written by a newer build (log format " +
                        std::to_string(header->version) + "; this one knows " +
                        std::to_string(log_format::version) + "): start that build");
      }
      const auto payload = log_format::read_payload(rest, *header);
      if (!payload) break;
      if (auto done = replay_batch(*header, *payload); !done) return done;
      found.replayed_bytes += header->batch_bytes();
      found.is_live = true;
      last_ = header->last();
      previous_ = header->checksum;
      run_ = header->run;
      found.segment.last = last_;
    }
    return {};
  }

  Result<void> replay_batch(const Header& header, BytesView payload) {
    for (std::uint32_t i = 0; i < header.appends; ++i) {
      auto writes = log_format::read_append(payload);
      if (!writes) return std::unexpected(std::move(writes).error());
      const LogPosition position{header.first.value + i};
      if (position <= options_.table) continue;
      if (auto done = apply_(position, std::move(*writes)); !done) return done;
    }
    return {};
  }

  /// Looks for batches beyond the chain's end. Only their headers count: they prove that the log
  /// went on, whatever has become of the rest.
  Result<void> find_later() {
    for (const auto& found : found_) {
      const auto from = std::min(found.replayed_bytes, found.segment.size_bytes);
      auto bytes = found.segment.file->read_at(from, found.segment.size_bytes - from);
      if (!bytes) return std::unexpected(std::move(bytes).error());
      for (std::uint64_t at = 0; at + log_format::header_bytes <= bytes->size();
           at += log_format::alignment) {
        const auto rest = BytesView(*bytes).substr(at);
        const auto header = log_format::read_header(rest, options_.log_id);
        if (!header) continue;
        last_run_ = std::max(last_run_, header->run);
        note_found(header->last());
        if (header->appends == 0 || header->last() <= last_) continue;
        auto partitions = log_format::read_partitions(rest, *header);
        const bool concerns_all = !partitions || header->has_other_spaces;
        if (!partitions) partitions.emplace();
        later_.push_back({*header, std::move(*partitions), concerns_all});
      }
    }
    last_run_ = std::max(last_run_, run_);
    if (!live_.empty()) note_found(last_);
    std::sort(later_.begin(), later_.end(), [](const LaterBatch& a, const LaterBatch& b) {
      return std::pair(a.header.first, a.header.run) < std::pair(b.header.first, b.header.run);
    });
    return {};
  }

  void note_found(LogPosition last) {
    last_found_ = last_found_ ? std::max(*last_found_, last) : last;
  }

  /// What was synced beyond the chain's end is damage; what was not is a torn end.
  void judge(LogReplay& replay) {
    const bool is_short = !has_chain_ || last_ < options_.table;
    const auto covered = is_short ? options_.table : last_;
    LogPosition reached = covered;
    for (const auto& batch : later_) {
      if (batch.header.last() <= covered || batch.header.synced <= covered) continue;
      replay.is_damaged = true;
    }
    // a log always has a batch that ends where the table does, or beyond
    const bool is_older = is_short && (!last_found_ || *last_found_ < options_.table);
    if (is_older || (is_short && *last_found_ > options_.table)) replay.is_damaged = true;
    if (replay.is_damaged) {
      for (const auto& batch : later_) reached = std::max(reached, batch.header.last());
      replay.what_happened = is_older ? "the log ends before what the table holds: it was lost, or "
                                        "restored from an old copy"
                                      : "a part of the log that had been synced cannot be read";
      if (!is_short) replay.damaged = damaged_partitions();
    }
    replay.end.last = reached;
    replay.end.previous = previous_;
    replay.end.log_id = options_.log_id;
    replay.end.run = last_run_ + 1;
  }

  /// Those named by the batches beyond the end, if the headers of all of them are there.
  [[nodiscard]] std::optional<std::vector<std::uint32_t>> damaged_partitions() const {
    std::vector<std::uint32_t> all;
    auto next = last_.value + 1;
    for (const auto& batch : later_) {
      if (batch.header.first.value != next || batch.concerns_all) return std::nullopt;
      all.insert(all.end(), batch.partitions.begin(), batch.partitions.end());
      next = batch.header.last().value + 1;
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  Result<void> hand_over(LogEnd& end) {
    for (auto* live : live_) {
      // a killed process leaves what it wrote to the system, which may still lose it
      if (auto done = live->segment.file->sync(); !done) return done;
      end.live.push_back(std::move(live->segment));
    }
    for (auto& found : found_) {
      end.next_number = std::max(end.next_number, found.number + 1);
      if (!found.is_live) end.spares.push_back(std::move(found.segment));
    }
    return {};
  }

  FileSystem& files_;
  const LogReaderOptions& options_;
  const ReplayVisitor& apply_;
  std::vector<FoundSegment> found_;
  std::vector<FoundSegment*> live_;
  std::vector<LaterBatch> later_;
  bool has_chain_ = false;
  LogPosition last_;
  std::uint64_t previous_ = 0;
  std::uint64_t run_ = 0;
  std::uint64_t last_run_ = 0;
  std::optional<LogPosition> last_found_;
};

}  // namespace

Result<LogReplay> replay_log(FileSystem& files, const LogReaderOptions& options,
                             const ReplayVisitor& apply) {
  return Replayer(files, options, apply).run();
}

}  // namespace coterie
