#include "ring/epoch_codec.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"

namespace coterie {
namespace {

constexpr std::uint16_t format_settled = 1;  // no change is under way
constexpr std::uint16_t format_changing = 2;
constexpr std::uint16_t format = 3;  // a bucket has had smaller numbers
constexpr std::uint8_t kind_eventual = 0;
constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t members_with_short_places = 256;

template <class Tag>
void write(ByteWriter& writer, const Id128<Tag>& id) {
  writer.u64(id.high);
  writer.u64(id.low);
}

std::uint16_t format_of(const EpochContents& contents) {
  const bool has_least = std::ranges::any_of(contents.buckets, [](const Bucket& bucket) {
    return bucket.least_r != 0 || bucket.least_w != 0;
  });
  if (has_least) return format;
  return contents.changes.empty() ? format_settled : format_changing;
}

void write(ByteWriter& writer, const Bucket& bucket, bool has_least) {
  writer.varint(bucket.id.value);
  writer.sized(bucket.name);
  writer.u8(kind_eventual);
  writer.u8(static_cast<std::uint8_t>(bucket.r));
  writer.u8(static_cast<std::uint8_t>(bucket.w));
  writer.u8(bucket.sloppy ? 1 : 0);
  writer.u8(std::to_underlying(bucket.durability));
  writer.u8(std::to_underlying(bucket.resolver));
  writer.varint(static_cast<std::uint64_t>(bucket.default_ttl.count()));
  if (!has_least) return;
  writer.u8(static_cast<std::uint8_t>(bucket.least_r));
  writer.u8(static_cast<std::uint8_t>(bucket.least_w));
}

/// Node ids as places in the list of members.
class PlaceWriter {
 public:
  PlaceWriter(ByteWriter& writer, const std::vector<Member>& members)
      : writer_(writer), members_(members) {}

  void write(NodeId node) {
    const auto found = std::ranges::lower_bound(members_, node, {}, &Member::id);
    check(found != members_.end() && found->id == node, "owners and voters are members");
    const auto place = static_cast<std::uint16_t>(found - members_.begin());
    if (members_.size() <= members_with_short_places) {
      writer_.u8(static_cast<std::uint8_t>(place));
    } else {
      writer_.u16(place);
    }
  }

 private:
  ByteWriter& writer_;
  const std::vector<Member>& members_;
};

void write(ByteWriter& writer, PlaceWriter& places, const Change& change) {
  writer.varint(change.id);
  writer.u8(std::to_underlying(change.stage));
  writer.u8(change.is_paused ? 1 : 0);
  writer.varint(change.removed.size());
  for (const NodeId node : change.removed) places.write(node);
  writer.varint(change.handovers.size());
  for (const Handover& handover : change.handovers) {
    writer.varint(handover.partition.value);
    for (const NodeId owner : handover.new_owners) places.write(owner);
  }
  writer.varint(change.leaving.size());
  for (const NodeId node : change.leaving) places.write(node);
}

Bytes encode_contents(const EpochContents& contents) {
  Bytes out;
  ByteWriter writer(out);
  const std::uint16_t version = format_of(contents);
  writer.u16(version);
  writer.u32(contents.number.lineage);
  writer.u64(contents.number.number);
  write(writer, contents.cluster);
  writer.u64(contents.hash_seed);
  writer.u32(contents.partitions);
  writer.u8(static_cast<std::uint8_t>(contents.replicas));
  writer.varint(contents.members.size());
  for (const Member& member : contents.members) {
    write(writer, member.id);
    writer.sized(member.zone);
    writer.varint(member.weight);
    writer.sized(member.address);
  }
  PlaceWriter places(writer, contents.members);
  writer.varint(contents.voters.size());
  for (const NodeId voter : contents.voters) places.write(voter);
  writer.varint(contents.buckets.size());
  for (const Bucket& bucket : contents.buckets) write(writer, bucket, version == format);
  for (std::size_t partition = 0; partition < contents.partitions; ++partition) {
    writer.u8(std::to_underlying(contents.stages[partition]));
    writer.varint(contents.configurations[partition].value);
    for (std::size_t i = 0; i < contents.replicas; ++i) {
      places.write(contents.owners[partition * contents.replicas + i]);
    }
  }
  if (version == format_settled) return out;
  writer.varint(contents.changes.size());
  for (const Change& change : contents.changes) write(writer, places, change);
  return out;
}

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::corrupt, "epoch bytes: " + std::string(what));
}

std::unexpected<Error> newer(std::string_view what) {
  return fail(ErrorCode::unsupported_version,
              "epoch bytes: " + std::string(what) + " of a newer build; upgrade this node");
}

/// Fills the contents part by part. Counts are held against limits before anything is sized by
/// them; what the values mean is Epoch::make's to verify.
class Decoder {
 public:
  explicit Decoder(BytesView bytes) : reader_(bytes) {}

  Result<EpochContents> decode() {
    read_head();
    for (const auto part : {&Decoder::read_members, &Decoder::read_voters, &Decoder::read_buckets,
                            &Decoder::read_partitions, &Decoder::read_changes}) {
      if (auto fine = (this->*part)(); !fine) return std::unexpected(std::move(fine.error()));
    }
    if (!reader_.finished()) return corrupt("truncated or too long");
    return std::move(out_);
  }

 private:
  template <class Id>
  Id read_id() {
    const std::uint64_t high = reader_.u64();
    return Id{.high = high, .low = reader_.u64()};
  }

  /// A place beyond the members gives no member's id, which Epoch::make refuses.
  NodeId read_place() {
    const std::size_t place =
        out_.members.size() <= members_with_short_places ? reader_.u8() : reader_.u16();
    return place < out_.members.size() ? out_.members[place].id : NodeId{};
  }

  void read_head() {
    format_ = reader_.u16();
    out_.number.lineage = reader_.u32();
    out_.number.number = reader_.u64();
    out_.cluster = read_id<ClusterId>();
    out_.hash_seed = reader_.u64();
    out_.partitions = reader_.u32();
    out_.replicas = reader_.u8();
  }

  Result<void> read_members() {
    const std::uint64_t count = reader_.varint();
    if (!reader_.ok() || count > limits::nodes) return corrupt("too many members");
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
      Member& member = out_.members.emplace_back();
      member.id = read_id<NodeId>();
      member.zone = reader_.sized();
      const std::uint64_t weight = reader_.varint();
      member.weight = weight <= limits::weight_most ? static_cast<std::uint32_t>(weight) : 0;
      member.address = reader_.sized();
    }
    return {};
  }

  Result<void> read_voters() {
    const std::uint64_t count = reader_.varint();
    if (!reader_.ok() || count > limits::voters_most) return corrupt("too many voters");
    for (std::uint64_t i = 0; i < count; ++i) out_.voters.push_back(read_place());
    return {};
  }

  Result<void> read_buckets() {
    const std::uint64_t count = reader_.varint();
    if (!reader_.ok() || count > limits::buckets) return corrupt("too many buckets");
    for (std::uint64_t i = 0; i < count; ++i) {
      if (auto fine = read_bucket(); !fine) return fine;
    }
    return {};
  }

  Result<void> read_bucket() {
    Bucket& bucket = out_.buckets.emplace_back();
    const std::uint64_t id = reader_.varint();
    bucket.id = BucketId{static_cast<std::uint32_t>(id)};
    bucket.name = reader_.sized();
    const std::uint8_t kind = reader_.u8();
    bucket.r = reader_.u8();
    bucket.w = reader_.u8();
    const std::uint8_t sloppy = reader_.u8();
    const std::uint8_t durability = reader_.u8();
    const std::uint8_t resolver = reader_.u8();
    const std::uint64_t ttl_ms = reader_.varint();
    if (format_ == format) {
      bucket.least_r = reader_.u8();
      bucket.least_w = reader_.u8();
    }
    if (!reader_.ok() || id != bucket.id.value || sloppy > 1) return corrupt("a malformed bucket");
    if (ttl_ms > static_cast<std::uint64_t>(limits::time_to_live_most.count())) {
      return corrupt("a bucket's time to live");
    }
    if (kind != kind_eventual || durability > std::to_underlying(Durability::interval) ||
        resolver > std::to_underlying(Resolver::lww)) {
      return newer("a bucket's property");
    }
    bucket.sloppy = sloppy == 1;
    bucket.durability = static_cast<Durability>(durability);
    bucket.resolver = static_cast<Resolver>(resolver);
    bucket.default_ttl = std::chrono::milliseconds(ttl_ms);
    return {};
  }

  Result<void> read_partitions() {
    if (!reader_.ok() || out_.partitions > limits::partitions_most ||
        out_.replicas > limits::replicas_most) {
      return corrupt("too many partitions or replicas");
    }
    out_.owners.reserve(std::size_t{out_.partitions} * out_.replicas);
    out_.configurations.reserve(out_.partitions);
    out_.stages.reserve(out_.partitions);
    for (std::uint32_t partition = 0; partition < out_.partitions && reader_.ok(); ++partition) {
      const std::uint8_t stage = reader_.u8();
      if (!is_stage(stage)) return newer("a stage");
      out_.stages.push_back(static_cast<Stage>(stage));
      out_.configurations.push_back(ConfigurationNumber{reader_.varint()});
      for (std::uint32_t i = 0; i < out_.replicas; ++i) out_.owners.push_back(read_place());
    }
    return {};
  }

  static bool is_stage(std::uint8_t stage) {
    return stage <= std::to_underlying(Stage::cut_over) ||
           stage == std::to_underlying(Stage::aborting);
  }

  Result<void> read_changes() {
    if (format_ == format_settled) return {};
    const std::uint64_t count = reader_.varint();
    if (!reader_.ok() || count > out_.partitions) return corrupt("too many changes");
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
      if (auto fine = read_change(); !fine) return fine;
    }
    return {};
  }

  Result<void> read_change() {
    Change& change = out_.changes.emplace_back();
    change.id = reader_.varint();
    const std::uint8_t stage = reader_.u8();
    const std::uint8_t paused = reader_.u8();
    const std::uint64_t removed = reader_.varint();
    if (!reader_.ok() || paused > 1 || removed > out_.members.size()) {
      return corrupt("a malformed change");
    }
    if (!is_stage(stage)) return newer("a stage");
    change.stage = static_cast<Stage>(stage);
    change.is_paused = paused == 1;
    for (std::uint64_t i = 0; i < removed; ++i) change.removed.push_back(read_place());
    const std::uint64_t handovers = reader_.varint();
    if (!reader_.ok() || handovers > out_.partitions) return corrupt("a malformed change");
    for (std::uint64_t i = 0; i < handovers && reader_.ok(); ++i) {
      Handover& handover = change.handovers.emplace_back();
      const std::uint64_t partition = reader_.varint();
      if (partition >= out_.partitions) return corrupt("a change of a partition there is none of");
      handover.partition = PartitionId{static_cast<std::uint32_t>(partition)};
      for (std::uint32_t n = 0; n < out_.replicas; ++n) handover.new_owners.push_back(read_place());
    }
    const std::uint64_t leaving = reader_.varint();
    if (!reader_.ok() || leaving > out_.members.size()) return corrupt("a malformed change");
    for (std::uint64_t i = 0; i < leaving; ++i) change.leaving.push_back(read_place());
    return {};
  }

  ByteReader reader_;
  std::uint16_t format_ = 0;
  EpochContents out_;
};

}  // namespace

Bytes encode_epoch(const Epoch& epoch) {
  Bytes out = encode_contents(epoch.contents());
  ByteWriter(out).u64(epoch.hash());
  return out;
}

std::uint64_t content_hash(const EpochContents& contents) {
  return hash64(encode_contents(contents));
}

Result<Epoch> decode_epoch(BytesView bytes) {
  const std::uint16_t version = ByteReader(bytes).u16();
  if (version > format) return newer("a format");
  if (version == 0 || bytes.size() <= checksum_bytes) return corrupt("truncated");
  const BytesView body = bytes.substr(0, bytes.size() - checksum_bytes);
  const std::uint64_t checksum = ByteReader(bytes.substr(body.size())).u64();
  if (hash64(body) != checksum) return corrupt("the checksum is wrong");
  auto contents = Decoder(body).decode();
  if (!contents) return std::unexpected(std::move(contents.error()));
  auto epoch = Epoch::make(std::move(*contents));
  if (!epoch) {
    if (epoch.error().code == ErrorCode::invalid_argument) return corrupt(epoch.error().message);
    return epoch;
  }
  // One epoch has one encoding, so that its hash names its contents; anything else was forged.
  if (epoch->hash() != checksum) return corrupt("not the canonical encoding");
  return epoch;
}

}  // namespace coterie
