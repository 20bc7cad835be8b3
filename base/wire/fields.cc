#include "base/wire/fields.h"

#include <string>

namespace coterie::wire {

bool Fields::require(bool holds, std::string_view what, ErrorCode code) {
  if (!holds && !error_) {
    error_ = Error{.code = code, .message = std::string(message_) + ": " + std::string(what)};
  }
  return holds;
}

bool Fields::within(std::size_t size, std::size_t most, std::string_view name,
                    std::string_view unit) {
  if (size <= most) return true;
  return require(false,
                 std::string(name) + " has " + std::to_string(size) + std::string(unit) +
                     "; at most " + std::to_string(most) + " are allowed",
                 ErrorCode::too_large);
}

BytesView Fields::take(BytesField field) {
  if (field == nullptr) return {};
  if (!require(field->size() <= untaken_bytes_, "its fields overlap")) return {};
  untaken_bytes_ -= field->size();
  return {reinterpret_cast<const char*>(field->data()), field->size()};
}

BytesView Fields::bytes(BytesField field, std::size_t most, std::string_view name) {
  const BytesView bytes = take(field);
  within(bytes.size(), most, name, " bytes");
  return bytes;
}

BytesView Fields::stored_key(BytesField field) {
  const BytesView key = bytes(field, limits::stored_key_bytes, "the key");
  require(key.size() > limits::stored_key_bytes - limits::key_bytes, "the key is too short");
  return key;
}

Key Fields::key(std::uint32_t bucket, BytesField partition_key, BytesField sort_key) {
  const Key key{
      .bucket = BucketId{bucket}, .partition_key = take(partition_key), .sort_key = take(sort_key)};
  require(!key.partition_key.empty(), "the partition key is empty");
  within(key.partition_key.size() + key.sort_key.size(), limits::key_bytes,
         "partition key and sort key together", " bytes");
  return key;
}

Quorum Fields::quorum(std::uint8_t count, std::string_view name) {
  if (count > limits::replicas_most && count < Quorum::quorum) {
    require(false, std::string(name) + " is " + std::to_string(count) +
                       "; it must be 0 to 7, 254 (quorum) or 255 (all)");
  }
  return Quorum{count};
}

Durability Fields::durability(std::uint8_t value) {
  if (value > static_cast<std::uint8_t>(Durability::interval)) {
    require(false, "durability " + std::to_string(value) + " is not known");
  }
  return static_cast<Durability>(value);
}

Sloppy Fields::sloppy(std::uint8_t value) {
  if (value > static_cast<std::uint8_t>(Sloppy::no)) {
    require(false, "sloppy " + std::to_string(value) + " is not known");
  }
  return static_cast<Sloppy>(value);
}

PartitionId Fields::partition(std::uint32_t value) {
  if (value >= limits::partitions_most) {
    require(false, "partition " + std::to_string(value) + " is beyond any ring's");
  }
  return PartitionId{value};
}

ReplicaScope Fields::scope(const fb::Scope& scope) {
  return {.partition = partition(scope.partition()),
          .configuration = ConfigurationNumber{scope.configuration()},
          .generation = Generation{scope.generation()}};
}

Evidence Fields::evidence(const fb::Evidence* evidence) {
  if (evidence == nullptr) return {};
  Evidence out{.agreed = !evidence->disagreed(),
               .repaired = evidence->repaired(),
               .hints = evidence->hints()};
  const auto* answered = evidence->answered();
  const std::uint32_t size = count(answered, limits::evidence_nodes, "evidence");
  // FlatBuffers' verifier leaves this out for vectors of structs.
  const bool aligned =
      size == 0 || reinterpret_cast<std::uintptr_t>(answered->Data()) % alignof(fb::Id128) == 0;
  if (!require(aligned, "a list of ids is not aligned")) return out;
  out.answered.reserve(size);
  for (std::uint32_t i = 0; i < size; ++i) out.answered.push_back(to_id<NodeId>(answered->Get(i)));
  return out;
}

std::vector<SiblingView> Fields::siblings(
    const flatbuffers::Vector<flatbuffers::Offset<fb::Sibling>>* siblings) {
  std::vector<SiblingView> out;
  const std::uint32_t size = count(siblings, limits::siblings_a_frame, "the list of siblings");
  out.reserve(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    const fb::Sibling& sibling = *siblings->Get(i);
    out.push_back({.value = bytes(sibling.value(), limits::value_bytes_most, "a value"),
                   .timestamp = Timestamp{sibling.timestamp()},
                   .expires_ms = sibling.expires_ms()});
  }
  return out;
}

EpochNumber Fields::epoch_number(const fb::EpochNumber* number) {
  if (number == nullptr) return {};
  return {.lineage = number->lineage(), .number = number->number()};
}

std::uint64_t Fields::time_to_live_ms(std::uint64_t value) {
  constexpr auto most = static_cast<std::uint64_t>(limits::time_to_live_most.count());
  if (value > most) {
    require(false, "a time to live of " + std::to_string(value) + " ms; at most " +
                       std::to_string(most) + " ms are allowed");
  }
  return value;
}

}  // namespace coterie::wire
