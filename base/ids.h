#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace coterie {

/// A distinct integer type for each kind of id, so that none is taken for another.
template <class Tag, class Rep>
struct Id {
  Rep value{};

  constexpr auto operator<=>(const Id&) const = default;
};

/// 128 random bits, distinct by kind; shown as 32 hexadecimal digits.
template <class Tag>
struct Id128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr auto operator<=>(const Id128&) const = default;
  [[nodiscard]] constexpr bool is_zero() const { return high == 0 && low == 0; }
};

/// Made at a node's first start, kept in its data directory, never reused.
using NodeId = Id128<struct NodeTag>;
/// Fixed by epoch 1; keeps two clusters from ever mixing.
using ClusterId = Id128<struct ClusterIdTag>;
/// Names one client request wherever it travels, so that a retry is recognised.
using RequestId = Id128<struct RequestTag>;
/// One run of a node's process; drawn at each start.
using RunId = Id<struct RunTag, std::uint64_t>;
/// The identity under which one copy of one partition, in one run, mints dots (DESIGN: versions).
using ActorId = Id<struct ActorTag, std::uint64_t>;
/// A partition's number, 0..Q-1.
using PartitionId = Id<struct PartitionTag, std::uint32_t>;
/// Given by the epoch log to a bucket's name; never reused.
using BucketId = Id<struct BucketTag, std::uint32_t>;
/// A shard's index within its node, 0..S-1.
using ShardIndex = Id<struct ShardTag, std::uint16_t>;
/// A place on the ring.
using Token = Id<struct TokenTag, std::uint64_t>;
/// The number of a partition's configuration: its owners and stage.
using ConfigurationNumber = Id<struct ConfigurationTag, std::uint64_t>;
/// A partition copy's durable purge counter.
using Generation = Id<struct GenerationTag, std::uint64_t>;

/// An entry of the epoch log. A later lineage outranks any number of an earlier one.
struct EpochNumber {
  std::uint32_t lineage = 0;
  std::uint64_t number = 0;

  constexpr auto operator<=>(const EpochNumber&) const = default;
};

/// 32 hexadecimal digits.
[[nodiscard]] std::string to_hex(std::uint64_t high, std::uint64_t low);
/// 16 hexadecimal digits.
[[nodiscard]] std::string to_hex(std::uint64_t value);
/// The reverse of to_hex for 128 bits; nothing if `text` is not 32 hexadecimal digits.
[[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> hex_to_128(
    std::string_view text);

template <class Tag>
[[nodiscard]] std::string to_hex(const Id128<Tag>& id) {
  return to_hex(id.high, id.low);
}

/// The form people read in tables: the first eight digits.
[[nodiscard]] inline std::string short_name(const NodeId& id) {
  return to_hex(id).substr(0, 8);
}

}  // namespace coterie

template <class Tag, class Rep>
struct std::hash<coterie::Id<Tag, Rep>> {
  std::size_t operator()(const coterie::Id<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};

template <class Tag>
struct std::hash<coterie::Id128<Tag>> {
  std::size_t operator()(const coterie::Id128<Tag>& id) const noexcept {
    return static_cast<std::size_t>(id.high ^ (id.low * 0x9e3779b97f4a7c15ULL));
  }
};
