#include "node/coordinator/scans.h"

#include <algorithm>
#include <string>
#include <utility>

#include "node/coordinator/scan_range.h"
#include "node/coordinator/visible.h"
#include "storage/versions.h"

namespace coterie::coordinator {

namespace {

/// Ascending, within [from, to), and not cut short with nothing to show.
bool is_a_page(const std::vector<LocalScan::Entry>& entries, bool is_truncated, BytesView from,
               BytesView to) {
  if (entries.empty()) return !is_truncated;
  const bool ascends =
      std::ranges::is_sorted(entries, std::ranges::less_equal{}, &LocalScan::Entry::key);
  return ascends && entries.front().key >= from && (to.empty() || entries.back().key < to);
}

}  // namespace

void Scans::Operation::reset() {
  for (Page& page : pages) {
    page.read = Read::idle;
    page.is_counted = false;
    page.is_truncated = false;
    page.is_second = false;
  }
  held_bytes = 0;
  is_stale = false;
  last_error.clear();
}

std::string Scans::Operation::too_few() const {
  return count_in_words(owners,
                        [this](std::size_t place) {
                          return pages[place].read != Read::idle &&
                                 pages[place].read != Read::failed;
                        }) +
         " answer, R=" + std::to_string(r) + ": " + last_error;
}

std::uint16_t Scans::Operation::stand_ins() const {
  transition::Places of_owners = 0;
  std::uint16_t of_fallbacks = 0;
  for (std::size_t place = 0; place < owners.total; ++place) {
    if (pages[place].read != Read::answered) continue;
    if (owners.is_fallback(place)) {
      ++of_fallbacks;
    } else {
      of_owners |= transition::Places{1} << place;
    }
  }
  return quorum.is_reached(of_owners) ? std::uint16_t{0} : of_fallbacks;
}

void Scans::start(const Start& start, const Now& now) {
  ++parts_.counters.scans;
  const auto refuse = [&](const Error& error) {
    ++parts_.counters.failed;
    parts_.outbox.fail(start.client, error);
  };
  const Owners owners = owners_of(start.placement, parts_.self);
  if (owners.self == owners.total) {
    return refuse({.code = ErrorCode::not_owner,
                   .message = "this node does not own the partition; fetch the ring"});
  }
  const Result<std::uint32_t> r = resolve(start.scan.r, start.bucket.r, owners.replicas);
  if (!r) return refuse(r.error());
  const Result<Bytes> from = decode_cursor(start.range, start.scan.cursor);
  if (!from) return refuse(from.error());
  if (start.deadline <= now.time) {
    return refuse(
        {.code = ErrorCode::expired, .message = "the deadline passed before the scan began"});
  }
  const std::optional<std::uint64_t> id =
      parts_.is_full() ? std::nullopt : operations_.take(parts_.options.operations);
  if (!id) {
    return refuse({.code = ErrorCode::overloaded,
                   .message = "too many reads are in progress",
                   .retry_after_ms = unavailable_retry_ms});
  }
  const auto most = static_cast<std::uint32_t>(limits::scan_page_records);
  Operation& operation = *operations_.find(*id);
  operation.range = start.range;
  operation.from = *from;
  operation.client = start.client;
  operation.deadline = start.deadline;
  operation.bucket = start.bucket.id;
  operation.partition = start.placement.partition;
  operation.configuration = start.placement.configuration;
  operation.owners = owners;
  operation.order = read_order(start.placement, owners, parts_.load);
  operation.limit_records =
      start.scan.limit_records == 0 ? most : std::min(start.scan.limit_records, most);
  operation.r = static_cast<std::uint8_t>(*r);
  operation.quorum = owners.of_read(*r);
  operation.is_sloppy = start.placement.is_sloppy;
  operation.resolver = start.bucket.resolver;
  if (*r < start.bucket.r) ++parts_.counters.weak;
  advance(*id, operation, now);
  if (operations_.find(*id) == nullptr) return;
  add_timers(*id, operation, now);
}

void Scans::add_timers(std::uint64_t id, const Operation& operation, const Now& now) {
  parts_.timers.add(operation.deadline,
                    make_tag({.operation = id, .kind = Kind::scan, .purpose = Purpose::deadline}));
  // a page takes longer than a read: a hedge is for an owner that hangs
  const Instant hedge = now.time + 4 * std::max(parts_.read_latency.p95(), LatencyTracker::unknown);
  if (hedge >= operation.deadline) return;
  parts_.timers.add(hedge,
                    make_tag({.operation = id, .kind = Kind::scan, .purpose = Purpose::hedge}));
}

/// An owner has fenced a later configuration: scans again under it, as an operation of its own, if
/// this node knows one. False: it does not.
bool Scans::move_on(std::uint64_t id, Operation& operation, const Now& now) {
  const Placement placement =
      parts_.outbox.placement(operation.partition, operation.is_sloppy, false);
  if (placement.configuration <= operation.configuration) return false;
  ++parts_.counters.resends;
  const Owners owners = owners_of(placement, parts_.self);
  const std::optional<std::uint64_t> next = operations_.take(parts_.options.operations);
  if (!next) {
    fail(id, operation, ErrorCode::overloaded, "too many reads are in progress");
    return true;
  }
  Operation& again = *operations_.find(*next);
  again.range = operation.range;
  again.from = operation.from;
  again.client = operation.client;
  again.deadline = operation.deadline;
  again.bucket = operation.bucket;
  again.partition = operation.partition;
  again.configuration = placement.configuration;
  again.owners = owners;
  again.order = read_order(placement, owners, parts_.load);
  again.quorum = owners.of_read(operation.r);
  again.limit_records = operation.limit_records;
  again.r = operation.r;
  again.is_sloppy = operation.is_sloppy;
  again.resolver = operation.resolver;
  release(id, operation);
  add_timers(*next, again, now);
  advance(*next, again, now);
  return true;
}

/// Goes on as far as the answers allow. May end the scan.
void Scans::advance(std::uint64_t id, Operation& operation, const Now& now) {
  for (;;) {
    transition::Places answered = 0;
    transition::Places hoped_for = 0;
    transition::Places bit = 1;
    for (std::size_t owner = 0; owner < operation.owners.total; ++owner, bit <<= 1) {
      const Read read = operation.pages[owner].read;
      if (read == Read::answered) answered |= bit;
      if (read != Read::idle && read != Read::failed) hoped_for |= bit;
    }
    if (operation.quorum.is_reached(answered)) {
      if (ask_again(id, operation)) continue;
      return answer(id, operation, now);
    }
    if (operation.quorum.is_reached(hoped_for)) return;
    if (!ask_next(id, operation)) {
      return fail(id, operation, ErrorCode::unavailable, operation.too_few());
    }
  }
}

/// Pages read before a purge that another page was read after could bring back what was deleted:
/// they are asked for again. All owners had reached the purge's generation before it was applied
/// anywhere: one that shows a lower one again has been restored from an old state, and is left out.
bool Scans::ask_again(std::uint64_t id, Operation& operation) {
  Generation purged;
  for (const Page& page : operation.pages) {
    if (page.read == Read::answered) purged = std::max(purged, page.purged);
  }
  bool is_old = false;
  for (std::uint8_t owner = 0; owner < operation.owners.total; ++owner) {
    Page& page = operation.pages[owner];
    if (page.read != Read::answered || page.generation >= purged) continue;
    is_old = true;
    give_back(operation, page);
    if (page.is_second) {
      if (owner == operation.owners.self) {
        parts_.local.heard_of_purge(operation.partition, purged);
      }
      drop(operation, owner,
           {.code = ErrorCode::unsure, .message = "an owner was restored from an old state"});
      continue;
    }
    ++parts_.counters.resends;
    page.is_second = true;
    ask(id, operation, owner);
  }
  return is_old;
}

bool Scans::ask_next(std::uint64_t id, Operation& operation) {
  for (std::size_t i = 0; i < operation.owners.readable; ++i) {
    const std::uint8_t owner = operation.order[i];
    if (operation.pages[owner].read != Read::idle) continue;
    if (operation.owners.is_fallback(owner)) ++parts_.counters.stood_in;
    ask(id, operation, owner);
    return true;
  }
  return false;
}

wire::ReplicaScan Scans::message_to(const Operation& operation, std::uint8_t owner) {
  return {.scope = {.partition = operation.partition, .configuration = operation.configuration},
          .from = operation.from,
          .to = operation.range.to,
          .limit_records = operation.limit_records,
          .stands_in = operation.owners.is_fallback(owner),
          .bucket = operation.bucket};
}

void Scans::ask(std::uint64_t id, Operation& operation, std::uint8_t owner) {
  if (owner == operation.owners.self) return scan_local(id, operation);
  Page& page = operation.pages[owner];
  page.read = Read::asked;
  const Target target{.node = operation.owners.nodes[owner],
                      .tag = make_tag({.operation = id,
                                       .kind = Kind::scan,
                                       .purpose = page.is_second ? Purpose::full : Purpose::request,
                                       .owner = owner})};
  const std::uint32_t refused =
      parts_.outbox.send({&target, 1}, message_to(operation, owner), operation.deadline);
  if (refused != 0) {
    return drop(operation, owner,
                {.code = ErrorCode::closed, .message = "an owner cannot be reached"});
  }
  page.is_counted = true;
  parts_.load.sent(target.node);
}

void Scans::scan_local(std::uint64_t id, Operation& operation) {
  const std::uint8_t self = operation.owners.self;
  Page& page = operation.pages[self];
  Result<LocalScan> local =
      parts_.local.scan(message_to(operation, self),
                        make_tag({.operation = id,
                                  .kind = Kind::scan,
                                  .purpose = page.is_second ? Purpose::full : Purpose::request,
                                  .owner = self}));
  if (!local) return drop(operation, self, local.error());
  page.entries = std::move(local->entries);
  page.is_truncated = local->is_truncated;
  page.generation = local->generation;
  page.purged = local->purged;
  page.read = local->is_durable ? Read::answered : Read::durable;
  take(operation, page);
}

void Scans::on_answer(const TagParts& tag, NodeId from, const wire::ReplicaScanReply& reply,
                      const Now& now) {
  Operation* operation = find(tag, from);
  if (operation == nullptr || !awaits(operation->pages[tag.owner], Read::asked, tag)) return;
  uncount(*operation, tag.owner);
  Page& page = operation->pages[tag.owner];
  page.is_truncated = reply.truncated;
  page.generation = reply.generation;
  page.purged = reply.purged;
  page.entries.reserve(reply.entries.size());
  for (const wire::ReplicaScanEntry& entry : reply.entries) {
    page.entries.push_back({.key = Bytes(entry.key), .record = Bytes(entry.record)});
  }
  page.read = Read::answered;
  take(*operation, page);
  if (!is_a_page(page.entries, page.is_truncated, operation->from, operation->range.to)) {
    ++parts_.counters.bad_answers;
    drop(*operation, tag.owner,
         {.code = ErrorCode::corrupt, .message = "an owner sent a page out of order or range"});
  }
  advance(tag.operation, *operation, now);
}

void Scans::on_local_durable(const TagParts& tag, const Now& now) {
  Operation* operation = find(tag, parts_.self);
  if (operation == nullptr || !awaits(operation->pages[tag.owner], Read::durable, tag)) return;
  operation->pages[tag.owner].read = Read::answered;
  advance(tag.operation, *operation, now);
}

void Scans::on_error(const TagParts& tag, NodeId from, const Error& error, const Now& now) {
  Operation* operation = find(tag, from);
  if (operation == nullptr || !awaits(operation->pages[tag.owner], Read::asked, tag)) return;
  const bool is_news = operation->pages[tag.owner].is_counted;
  uncount(*operation, tag.owner);
  if (!is_news) return;
  if (error.code == ErrorCode::stale_configuration) {
    operation->is_stale = true;
    if (!move_on(tag.operation, *operation, now)) parts_.outbox.seek_epoch(from, error.epoch);
    return;
  }
  drop(*operation, tag.owner, error);
  advance(tag.operation, *operation, now);
}

void Scans::on_ring(const Now& now) {
  operations_.for_each([&](std::uint64_t id) {
    Operation& operation = *operations_.find(id);
    if (operation.is_stale) (void)move_on(id, operation, now);
  });
}

void Scans::on_peer_lost(NodeId peer, const Now& now) {
  operations_.for_each([&](std::uint64_t id) {
    const Owners& owners = operations_.find(id)->owners;
    for (std::uint8_t owner = 0; owner < owners.total; ++owner) {
      if (owners.nodes[owner] != peer || owner == owners.self) continue;
      const bool is_second = operations_.find(id)->pages[owner].is_second;
      on_error({.operation = id,
                .kind = Kind::scan,
                .purpose = is_second ? Purpose::full : Purpose::request,
                .owner = owner},
               peer, {.code = ErrorCode::closed, .message = "the connection to an owner ended"},
               now);
      return;
    }
  });
}

void Scans::on_deadline(std::uint64_t id) {
  Operation* operation = operations_.find(id);
  if (operation == nullptr) return;
  fail(id, *operation, ErrorCode::expired, "the deadline passed before enough owners answered");
}

void Scans::on_hedge(std::uint64_t id, const Now& now) {
  Operation* operation = operations_.find(id);
  if (operation == nullptr || parts_.under_pressure || !parts_.hedges.spend()) return;
  if (ask_next(id, *operation)) ++parts_.counters.hedges;
  advance(id, *operation, now);
}

void Scans::answer(std::uint64_t id, Operation& operation, const Now& now) {
  Merged merged;
  if (!merge(operation, merged, now)) {
    // an owner's page was bad and does not count any more
    ++parts_.counters.bad_answers;
    return advance(id, operation, now);
  }
  Bytes cursor;
  if (merged.has_more) cursor = encode_cursor(operation.range, merged.last);
  parts_.outbox.reply(operation.client, wire::ScanReply{.entries = std::move(merged.entries),
                                                        .cursor = cursor,
                                                        .stand_ins = operation.stand_ins()});
  release(id, operation);
}

void Scans::fail(std::uint64_t id, Operation& operation, ErrorCode code, std::string_view why) {
  ++parts_.counters.failed;
  parts_.outbox.fail(operation.client,
                     {.code = code,
                      .message = std::string(why),
                      .retry_after_ms = code == ErrorCode::unavailable ? unavailable_retry_ms : 0});
  release(id, operation);
}

Scans::Operation* Scans::find(const TagParts& tag, NodeId from) {
  Operation* operation = operations_.find(tag.operation);
  if (operation == nullptr || tag.owner >= operation->owners.total) return nullptr;
  return operation->owners.nodes[tag.owner] == from ? operation : nullptr;
}

void Scans::drop(Operation& operation, std::uint8_t owner, const Error& error) {
  operation.pages[owner].read = Read::failed;
  operation.last_error = error.message;
}

/// The page waits for just this answer, not for one to an earlier question.
bool Scans::awaits(const Page& page, Read read, const TagParts& tag) {
  return page.read == read && tag.purpose == (page.is_second ? Purpose::full : Purpose::request);
}

void Scans::give_back(Operation& operation, Page& page) {
  std::size_t bytes = 0;
  for (const LocalScan::Entry& entry : page.entries) {
    bytes += entry.key.size() + entry.record.size();
  }
  operation.held_bytes -= bytes;
  parts_.held_bytes -= bytes;
  page.entries = {};
}

/// Counts what the page keeps in memory until the scan is over.
void Scans::take(Operation& operation, const Page& page) {
  std::size_t bytes = 0;
  for (const LocalScan::Entry& entry : page.entries)
    bytes += entry.key.size() + entry.record.size();
  operation.held_bytes += bytes;
  parts_.held_bytes += bytes;
}

void Scans::uncount(Operation& operation, std::size_t owner) {
  Page& page = operation.pages[owner];
  if (page.is_counted) parts_.load.settled(operation.owners.nodes[owner]);
  page.is_counted = false;
}

void Scans::release(std::uint64_t id, Operation& operation) {
  for (std::size_t owner = 0; owner < operation.owners.total; ++owner) uncount(operation, owner);
  // pages are large: they do not wait in the slot for its next use
  for (Page& page : operation.pages) page.entries = {};
  parts_.held_bytes -= operation.held_bytes;
  operations_.release(id);
}

}  // namespace coterie::coordinator
