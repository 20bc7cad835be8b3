#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node/config.h"
#include "ring/birth.h"
#include "ring/epoch.h"

namespace coterie {

inline NodeId node_id(std::uint64_t number) {
  return {.high = 7, .low = number};
}

/// A first epoch of nodes 1..n, N = 3 where there are as many, one bucket of each durability.
inline std::shared_ptr<const Epoch> sample_epoch(std::size_t nodes = 3,
                                                 std::uint32_t partitions = 16,
                                                 bool sloppy = false) {
  BirthInput input{.cluster = {.high = 1, .low = 2}, .hash_seed = 3, .partitions = partitions};
  input.replicas = nodes < 3 ? static_cast<std::uint32_t>(nodes) : 3;
  for (std::uint64_t i = 1; i <= nodes; ++i) {
    input.members.push_back({.id = node_id(i), .address = "127.0.0.1:" + std::to_string(7400 + i)});
  }
  Bucket commit{.id = BucketId{1}, .name = "commit"};
  commit.r = commit.w = input.replicas / 2 + 1;
  commit.sloppy = sloppy;
  Bucket interval = commit;
  interval.id = BucketId{2};
  interval.name = "interval";
  interval.durability = Durability::interval;
  input.buckets = {commit, interval};
  return std::make_shared<const Epoch>(*first_epoch(std::move(input)));
}

/// The configuration of member `index` of three, doors at 127.0.0.1:74x0..74x3.
inline Config sample_config(std::size_t index) {
  const auto ten = "74" + std::to_string(index);
  const std::string text = "[node]\ndata_directory = \"d\"\n[doors]\nclient = \"127.0.0.1:" + ten +
                           "0\"\npeer = \"127.0.0.1:" + ten + "1\"\ngossip = \"127.0.0.1:" + ten +
                           "2\"\nadmin = \"127.0.0.1:" + ten +
                           "3\"\n[cluster]\ninitial_members = [\"127.0.0.1:7402\", "
                           "\"127.0.0.1:7412\", \"127.0.0.1:7422\"]\npartitions = 16\n";
  return *parse_config(text, "sample.toml");
}

}  // namespace coterie
