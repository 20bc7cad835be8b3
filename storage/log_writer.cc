#include "storage/log_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "storage/log_format.h"

namespace coterie {

namespace {

/// A varint of 32 bits at most.
constexpr std::size_t partition_bytes_most = 5;

void sort_partitions(LogBatch& batch) {
  std::sort(batch.partitions.begin(), batch.partitions.end());
  const auto end = std::unique(batch.partitions.begin(), batch.partitions.end());
  batch.partitions.erase(end, batch.partitions.end());
}

}  // namespace

LogWriter::LogWriter(FileSystem& files, Options options, LogEnd end)
    : files_(files),
      options_(std::move(options)),
      log_id_(end.log_id),
      run_(end.run),
      written_(end.last),
      synced_(end.last),
      previous_(end.previous),
      full_(std::move(end.live)),
      spares_(std::move(end.spares)),
      next_number_(end.next_number) {}

Result<void> LogWriter::start(LogPosition table) {
  auto segment = take_first_segment(table);
  if (!segment) return std::unexpected(std::move(segment).error());
  current_ = std::move(*segment);
  LogBatch opening;
  opening.bytes.assign(log_format::header_bytes, '\0');
  opening.first = LogPosition{written_.value + 1};
  if (auto done = write_at_end(opening, true); !done) return done;
  if (auto done = sync(); !done) return done;
  if (auto done = recycle(table); !done) return done;
  auto reserved = replenish();
  if (!reserved && reserved.error().code != ErrorCode::read_only) return reserved;
  return {};
}

/// Leaves the last segment of the run before in peace until the new run has begun: were it gone and
/// the opening torn, the log would end before the table and look like an old copy.
Result<LogSegment> LogWriter::take_first_segment(LogPosition table) {
  std::deque<LogSegment> last;
  if (!full_.empty()) {
    last.push_back(std::move(full_.back()));
    full_.pop_back();
  }
  auto recycled = recycle(table);
  std::move(last.begin(), last.end(), std::back_inserter(full_));
  if (!recycled) return std::unexpected(std::move(recycled).error());
  if (auto done = drop_odd_spares(); !done) return std::unexpected(std::move(done).error());
  auto segment = take_segment(options_.segment_bytes);
  if (segment || segment.error().code != ErrorCode::read_only) return segment;
  // a full disk has no room for both
  if (auto done = recycle(table); !done) return std::unexpected(std::move(done).error());
  return take_segment(options_.segment_bytes);
}

/// At most.
std::uint64_t LogWriter::room_for(const LogBatch& batch) const {
  return batch.bytes.size() + batch.partitions.size() * partition_bytes_most +
         log_format::alignment;
}

bool LogWriter::fits(const LogBatch& batch) const {
  return offset_ + room_for(batch) <= current_.size_bytes;
}

Result<void> LogWriter::write(LogBatch& batch) {
  sort_partitions(batch);
  if (!fits(batch)) {
    if (auto done = rotate(room_for(batch)); !done) return done;
  }
  return write_at_end(batch, false);
}

Result<void> LogWriter::write_at_end(LogBatch& batch, bool is_opening) {
  synced_ = std::max(synced_, batch.synced);
  log_format::Header header{.is_opening = is_opening,
                            .has_other_spaces = batch.has_other_spaces,
                            .log_id = log_id_,
                            .run = run_,
                            .first = batch.first,
                            .appends = batch.appends,
                            .synced = synced_,
                            .previous = previous_};
  check(batch.first.value == written_.value + 1, "batches are written in order");
  log_format::finish_batch(batch.bytes, header, batch.partitions);
  if (auto done = current_.file->write_at(offset_, batch.bytes); !done) {
    // the space was reserved, so that even "disk full" leaves the file in an unknown state
    return fail(ErrorCode::io, "writing " + current_.name + ": " + done.error().message);
  }
  offset_ += batch.bytes.size();
  written_ = header.last();
  previous_ = header.checksum;
  return {};
}

Result<void> LogWriter::sync() {
#ifndef COTERIE_PLANT_NO_FDATASYNC  // defined only where a test must see its absence
  if (auto done = current_.file->sync(); !done) {
    return fail(ErrorCode::io, "syncing " + current_.name + ": " + done.error().message);
  }
#endif
  return {};
}

Result<void> LogWriter::rotate(std::uint64_t room_bytes) {
  auto next = take_segment(std::max<std::uint64_t>(options_.segment_bytes, room_bytes));
  if (!next) return std::unexpected(std::move(next).error());
  // a successor that outlives its predecessor's end would be a chain without its middle
  if (auto done = sync(); !done) return done;
  synced_ = written_;
  current_.last = written_;
  full_.push_back(std::exchange(current_, std::move(*next)));
  offset_ = 0;
  return {};
}

Result<LogSegment> LogWriter::take_segment(std::uint64_t size_bytes) {
  if (spares_.empty() || size_bytes > options_.segment_bytes) return create_segment(size_bytes);
  auto spare = std::move(spares_.front());
  spares_.pop_front();
  return spare;
}

Result<LogSegment> LogWriter::create_segment(std::uint64_t size_bytes) {
  LogSegment segment{.name = segment_name(next_number_), .size_bytes = size_bytes};
  const auto path = options_.directory + "/" + segment.name;
  const auto prepare = [&]() -> Result<void> {
    auto file = files_.open(path, FileSystem::Mode::create);
    if (!file) return std::unexpected(std::move(file).error());
    segment.file = std::move(*file);
    if (auto done = segment.file->preallocate(size_bytes); !done) return done;
    if (auto done = segment.file->sync(); !done) return done;
    return files_.sync_directory(options_.directory);
  };
  next_number_ += 1;
  if (auto done = prepare(); !done) {
    segment.file.reset();
    // what cannot be removed now is at the next start
    [[maybe_unused]] const auto removed = files_.remove(path);
    return fail(done.error().code, "making log segment " + path + ": " + done.error().message);
  }
  return segment;
}

Result<void> LogWriter::recycle(LogPosition position, std::size_t most) {
  while (!full_.empty() && full_.front().last <= position) {
    auto segment = std::move(full_.front());
    full_.pop_front();
    if (segment.size_bytes == options_.segment_bytes) {
      spares_.push_back(std::move(segment));
    } else if (auto done = remove(segment); !done) {
      return done;
    }
  }
  while (spares_.size() > most) {
    auto segment = std::move(spares_.back());
    spares_.pop_back();
    if (auto done = remove(segment); !done) return done;
  }
  return {};
}

Result<void> LogWriter::remove(LogSegment& segment) {
  segment.file.reset();
  return files_.remove(options_.directory + "/" + segment.name);
}

/// Left by a crash while they were made, by another setting, or by an oversized batch.
Result<void> LogWriter::drop_odd_spares() {
  std::deque<LogSegment> kept;
  for (auto& spare : spares_) {
    if (spare.size_bytes == options_.segment_bytes && kept.size() < spares_most) {
      kept.push_back(std::move(spare));
      continue;
    }
    if (auto done = remove(spare); !done) return done;
  }
  spares_ = std::move(kept);
  return {};
}

Result<void> LogWriter::replenish() {
  while (spares_.size() < reserve_segments) {
    auto created = create_segment(options_.segment_bytes);
    if (!created) return std::unexpected(std::move(created).error());
    spares_.push_back(std::move(*created));
  }
  return {};
}

std::uint64_t LogWriter::log_bytes() const {
  std::uint64_t bytes = current_.size_bytes;
  for (const auto& segment : full_) bytes += segment.size_bytes;
  for (const auto& segment : spares_) bytes += segment.size_bytes;
  return bytes;
}

}  // namespace coterie
