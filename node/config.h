#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/limits.h"
#include "node/transfer/anti_entropy_status.h"
#include "ring/bucket.h"

namespace coterie {

/// What a node's configuration file says; docs/configuration.md lists every setting.
struct Config {
  struct Node {
    std::string data_directory;
    std::uint32_t shards = 0;  // 0: the number of cores, at most limits::shards_default_most
    std::string zone = "default";
    std::uint32_t weight = 1;
  } node;
  struct Doors {
    Address client{.host = "127.0.0.1", .port = 7400};
    Address peer{.host = "127.0.0.1", .port = 7401};
    Address gossip{.host = "127.0.0.1", .port = 7402};
    Address admin{.host = "127.0.0.1", .port = 7403};
    bool insecure = false;
  } doors;
  struct Cluster {
    std::string name = "coterie";
    std::vector<Address> initial_members;
    std::uint32_t replicas = 3;
    std::uint32_t partitions = limits::partitions_default;
    std::string gossip_key;  // 32 hexadecimal digits; empty: none
  } cluster;
  struct Limits {
    std::uint64_t value_bytes = limits::value_bytes_default;
    std::uint64_t in_flight_bytes = limits::in_flight_bytes_a_shard;
  } limits;
  struct Handoff {
    std::uint64_t bytes_a_second = limits::handoff_rate_bytes;
    std::uint64_t window = limits::handoff_window;
  } handoff;
  struct Streams {
    std::uint64_t bytes_a_second = limits::stream_rate_bytes;
  } streams;
  struct Purge {
    bool enabled = true;
    std::uint32_t interval_seconds = static_cast<std::uint32_t>(
        std::chrono::seconds(::coterie::limits::purge_interval_default).count());
  } purge;
  struct AntiEntropy {
    bool enabled = true;
    std::uint32_t interval_s = 600;
    std::uint32_t pause_ms = 1000;
    std::uint64_t bytes_a_second = 16U << 20;
    std::uint32_t cpu_percent = 20;
    std::uint32_t from_hour = 0;
    std::uint32_t to_hour = 0;
  } anti_entropy;
  struct Scrub {
    std::uint32_t interval_s = static_cast<std::uint32_t>(
        std::chrono::seconds(::coterie::limits::scrub_interval_default).count());
    std::uint64_t bytes_a_second = ::coterie::limits::scrub_rate_bytes;
  } scrub;
  struct Log {
    std::string level = "info";
    std::string file;  // empty: standard error
  } log;
  std::vector<Bucket> buckets;  // sorted by name; ids from 1 in that order
};

[[nodiscard]] transfer::AntiEntropyOptions options_of(const Config::AntiEntropy& config);

/// Reads and checks a configuration. Every error in the file is reported, each on a line of its own
/// in the message: file, line, setting, what is wrong and what would be right.
[[nodiscard]] Result<Config> load_config(const std::string& path);
/// The same from text; `name` stands for the file in messages.
[[nodiscard]] Result<Config> parse_config(std::string_view text, std::string_view name);

/// One setting, for --print-settings, the documentation and the running node's answer.
struct SettingText {
  std::string name;  // "node.shards"
  std::string value;
  std::string unit;
  std::string meaning;
};
/// All settings but the buckets' with the values of `config`, in the order of the documentation.
[[nodiscard]] std::vector<SettingText> settings_of(const Config& config);

}  // namespace coterie
