#include "client/exchange.h"

#include <utility>

#include "base/codec.h"
#include "base/limits.h"

namespace coterie::client {
namespace {

constexpr std::uint8_t cursor_version = 1;

template <class... F>
struct Visitor : F... {
  using F::operator()...;
};
template <class... F>
Visitor(F...) -> Visitor<F...>;

wire::Key wire_key(const Key& key, BucketId bucket) {
  return {.bucket = bucket, .partition_key = key.partition_key, .sort_key = key.sort_key};
}

Result<void> validate(const Key& key) {
  if (key.partition_key.empty()) return fail(ErrorCode::invalid_argument, "the key is empty");
  const std::size_t size = key.partition_key.size() + key.sort_key.size();
  if (size <= limits::key_bytes) return {};
  return fail(ErrorCode::too_large, "the key has " + std::to_string(size) + " bytes; at most " +
                                        std::to_string(limits::key_bytes) + " are allowed");
}

Result<void> validate(const Write& write) {
  if (write.value.size() > limits::value_bytes_most) {
    return fail(ErrorCode::too_large,
                "the value has " + std::to_string(write.value.size()) + " bytes; at most " +
                    std::to_string(limits::value_bytes_most) + " are allowed");
  }
  if (write.context.bytes().size() > limits::context_bytes) {
    return fail(ErrorCode::too_large, "the context is longer than any that a get gives");
  }
  if (write.is_delete && !write.value.empty()) {
    return fail(ErrorCode::invalid_argument, "a delete carries no value");
  }
  return validate(write.key);
}

Result<void> validate(const ScanCall& scan) {
  const Range& range = scan.range;
  const bool has_sort_keys = !range.sort_key_from.empty() || !range.sort_key_to.empty();
  if (range.partition_key.empty() && has_sort_keys) {
    return fail(ErrorCode::invalid_argument, "sort keys bound a scan of one partition key only");
  }
  for (const auto* sort_key : {&range.sort_key_from, &range.sort_key_to}) {
    if (range.partition_key.size() + sort_key->size() > limits::key_bytes) {
      return fail(ErrorCode::too_large, "the scan's keys are longer than any key may be");
    }
  }
  return {};
}

std::vector<Sibling> own(const std::vector<wire::SiblingView>& views) {
  std::vector<Sibling> out;
  out.reserve(views.size());
  for (const auto& view : views) {
    out.push_back(
        {.value = Bytes(view.value), .timestamp = view.timestamp, .expires_ms = view.expires_ms});
  }
  return out;
}

Context own(BytesView context) {
  return Context::from_bytes(Bytes(context));
}

Result<Reply> read_get(BytesView body) {
  const auto reply = wire::decode<wire::GetReply>(body);
  if (!reply) return std::unexpected(reply.error());
  return GetResult{.context = own(reply->context),
                   .siblings = own(reply->siblings),
                   .is_weak = reply->weak,
                   .stand_ins = reply->stand_ins};
}

Result<Reply> read_put(BytesView body) {
  const auto reply = wire::decode<wire::PutReply>(body);
  if (!reply) return std::unexpected(reply.error());
  return PutResult{.context = own(reply->context),
                   .siblings = reply->siblings,
                   .is_weak = reply->weak,
                   .stand_ins = reply->stand_ins};
}

Result<Reply> read_scan(const ScanCall& scan, BytesView body, std::uint32_t partitions) {
  const auto reply = wire::decode<wire::ScanReply>(body);
  if (!reply) return std::unexpected(reply.error());
  ScanPage page;
  page.records.reserve(reply->entries.size());
  for (const auto& entry : reply->entries) {
    page.records.push_back({.partition_key = Bytes(entry.partition_key),
                            .sort_key = Bytes(entry.sort_key),
                            .context = own(entry.context),
                            .siblings = own(entry.siblings)});
  }
  const bool is_one_partition = !scan.range.partition_key.empty() || scan.range.partition;
  ScanPlace next{.partition = scan.partition, .cursor = Bytes(reply->cursor)};
  if (reply->cursor.empty()) {
    ++next.partition.value;
    page.is_last = is_one_partition || next.partition.value >= partitions;
  }
  if (!page.is_last) page.next = encode_place(next);
  return page;
}

}  // namespace

const std::string& bucket_of(const Call::Request& request) {
  return std::visit(
      Visitor{[](const GetCall& get) -> const std::string& { return get.key.bucket; },
              [](const WriteCall& write) -> const std::string& { return write.write.key.bucket; },
              [](const ScanCall& scan) -> const std::string& { return scan.range.bucket; }},
      request);
}

PartitionId partition_of(const Call::Request& request, const Epoch& epoch, BucketId bucket) {
  const auto of = [&](const Bytes& partition_key) {
    return epoch.partition(epoch.token(bucket, partition_key));
  };
  return std::visit(
      Visitor{[&](const GetCall& get) { return of(get.key.partition_key); },
              [&](const WriteCall& write) { return of(write.write.key.partition_key); },
              [&](const ScanCall& scan) {
                return scan.range.partition_key.empty() ? scan.partition
                                                        : of(scan.range.partition_key);
              }},
      request);
}

std::size_t bytes_of(const Call::Request& request) {
  return std::visit(Visitor{[](const GetCall& get) {
                              return get.key.partition_key.size() + get.key.sort_key.size();
                            },
                            [](const WriteCall& write) {
                              return write.write.key.partition_key.size() +
                                     write.write.key.sort_key.size() + write.write.value.size() +
                                     write.write.context.bytes().size();
                            },
                            [](const ScanCall& scan) { return scan.range.partition_key.size(); }},
                    request);
}

Result<void> validate(const Call::Request& request) {
  return std::visit(Visitor{[](const GetCall& get) { return validate(get.key); },
                            [](const WriteCall& write) { return validate(write.write); },
                            [](const ScanCall& scan) { return validate(scan); }},
                    request);
}

Bytes encode(const Call::Request& request, BucketId bucket, const wire::Envelope& envelope) {
  return std::visit(
      Visitor{[&](const GetCall& get) {
                return wire::encode(
                    wire::Get{.key = wire_key(get.key, bucket), .r = get.r, .sloppy = get.sloppy},
                    envelope);
              },
              [&](const WriteCall& call) {
                return wire::encode(wire::Put{.id = call.id,
                                              .key = wire_key(call.write.key, bucket),
                                              .context = call.write.context.bytes(),
                                              .value = call.write.value,
                                              .is_delete = call.write.is_delete,
                                              .w = call.w,
                                              .durability = call.durability,
                                              .time_to_live_ms = call.time_to_live_ms,
                                              .sloppy = call.sloppy},
                                    envelope);
              },
              [&](const ScanCall& scan) {
                return wire::encode(wire::Scan{.bucket = bucket,
                                               .partition = scan.partition,
                                               .partition_key = scan.range.partition_key,
                                               .sort_key_from = scan.range.sort_key_from,
                                               .sort_key_to = scan.range.sort_key_to,
                                               .cursor = scan.cursor,
                                               .limit_records = scan.page_records,
                                               .r = scan.r},
                                    envelope);
              }},
      request);
}

Result<Reply> read_reply(const Call::Request& request, wire::Kind kind, BytesView body,
                         std::uint32_t partitions) {
  if (kind == wire::Kind::get_reply && std::holds_alternative<GetCall>(request)) {
    return read_get(body);
  }
  if (kind == wire::Kind::put_reply && std::holds_alternative<WriteCall>(request)) {
    return read_put(body);
  }
  if (const auto* scan = std::get_if<ScanCall>(&request);
      kind == wire::Kind::scan_reply && scan != nullptr) {
    return read_scan(*scan, body, partitions);
  }
  return fail(ErrorCode::corrupt, "the node answered with something else than was asked");
}

void succeed(Call::Request request, Reply reply) {
  std::visit(Visitor{[&](GetCall& get) { get.done(std::get<GetResult>(std::move(reply))); },
                     [&](WriteCall& write) { write.done(std::get<PutResult>(std::move(reply))); },
                     [&](ScanCall& scan) { scan.done(std::get<ScanPage>(std::move(reply))); }},
             request);
}

void fail_with(Call::Request request, Error error) {
  std::visit([&](auto& call) { call.done(std::unexpected(std::move(error))); }, request);
}

Cursor encode_place(const ScanPlace& place) {
  Cursor cursor;
  ByteWriter out(cursor.bytes);
  out.u8(cursor_version);
  out.u32(place.partition.value);
  out.raw(place.cursor);
  return cursor;
}

Result<ScanPlace> decode_place(const Cursor& cursor) {
  if (cursor.bytes.empty()) return ScanPlace{};
  ByteReader in(cursor.bytes);
  const std::uint8_t version = in.u8();
  ScanPlace place{.partition = PartitionId{in.u32()}, .cursor = {}};
  place.cursor = Bytes(in.raw(in.left()));
  const bool is_good = in.ok() && version == cursor_version &&
                       place.cursor.size() <= limits::cursor_bytes &&
                       place.partition.value < limits::partitions_most;
  if (!is_good) return fail(ErrorCode::invalid_argument, "this is no cursor of a scan");
  return place;
}

}  // namespace coterie::client
