#include "node/settings.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"

namespace coterie {
namespace {

using Set = std::function<Result<void>(Config&, const SettingValue&)>;
using Show = std::function<std::string(const Config&)>;

std::unexpected<Error> should_be(const std::string& what) {
  return fail(ErrorCode::invalid_argument, "should be " + what);
}

Result<std::int64_t> integer(const SettingValue& value, std::int64_t least, std::int64_t most) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < least || *number > most) {
    return should_be("a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  return *number;
}

bool is_graphic(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Result<std::string> word(const SettingValue& value, std::size_t most_bytes) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->empty() || text->size() > most_bytes || !is_graphic(*text)) {
    return should_be("a word of 1 to " + std::to_string(most_bytes) +
                     " visible ASCII characters, in quotes");
  }
  return *text;
}

Result<Address> address(const SettingValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return should_be("an address in quotes, as in \"127.0.0.1:7400\"");
  return Address::parse(*text);
}

/// What takes a parsed value into its place, or passes the error on.
template <class Parse, class Place>
Set set_with(Parse parse, Place place) {
  return [parse, place](Config& config, const SettingValue& value) -> Result<void> {
    auto parsed = parse(value);
    if (!parsed) return std::unexpected(parsed.error());
    place(config) =
        static_cast<std::remove_reference_t<decltype(place(config))>>(*std::move(parsed));
    return {};
  };
}

Result<bool> truth(const SettingValue& value) {
  const auto* flag = std::get_if<bool>(&value);
  if (flag == nullptr) return should_be("true or false");
  return *flag;
}

auto whole(std::int64_t least, std::int64_t most) {
  return [least, most](const SettingValue& value) { return integer(value, least, most); };
}

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

Result<std::vector<Address>> addresses(const SettingValue& value) {
  const auto* texts = std::get_if<std::vector<std::string>>(&value);
  if (texts == nullptr || texts->size() > limits::nodes) {
    return should_be(
        "a list of the gossip addresses of all first members, as in "
        "[\"10.0.0.1:7402\", \"10.0.0.2:7402\"]");
  }
  std::vector<Address> out;
  for (const auto& text : *texts) {
    auto parsed = Address::parse(text);
    if (!parsed) return std::unexpected(parsed.error());
    if (std::ranges::find(out, *parsed) != out.end()) {
      return should_be("a list without repetition; " + text + " stands in it twice");
    }
    out.push_back(*std::move(parsed));
  }
  return out;
}

Result<std::uint32_t> partitions(const SettingValue& value) {
  const auto number = integer(value, limits::partitions_least, limits::partitions_most);
  if (!number) return std::unexpected(number.error());
  if ((*number & (*number - 1)) != 0) return should_be("a power of two, as 1024");
  return static_cast<std::uint32_t>(*number);
}

Result<std::string> gossip_key(const SettingValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || (!text->empty() && !hex_to_128(*text))) {
    return should_be("32 hexadecimal digits (0-9, a-f), the same on every node, or empty");
  }
  return *text;
}

Result<std::string> level(const SettingValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  for (const auto* known : {"debug", "info", "warn", "error"}) {
    if (text != nullptr && *text == known) return *text;
  }
  return should_be("\"debug\", \"info\", \"warn\" or \"error\"");
}

Result<std::string> path(const SettingValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return should_be("a path in quotes");
  return *text;
}

std::string list_of(const std::vector<Address>& list) {
  std::string out = "[";
  for (const auto& entry : list) {
    if (out.size() > 1) out += ", ";
    out += quoted(entry.text());
  }
  return out + "]";
}

void add_node(std::vector<Setting>& out) {
  out.push_back({"node", "data_directory", "path",
                 "Where this node keeps its data; made if absent. Required.",
                 set_with(
                     path, [](Config & c) -> auto& { return c.node.data_directory; }),
                 [](const Config& c) { return quoted(c.node.data_directory); }});
  out.push_back(
      {"node", "shards", "threads",
       "Event loops, each with its part of the data. Fixed when the data directory is "
       "made. 0: the number of cores, at most 8.",
       set_with(
           whole(0, limits::shards_most), [](Config & c) -> auto& { return c.node.shards; }),
       [](const Config& c) { return std::to_string(c.node.shards); }});
  out.push_back({"node", "zone", "name",
                 "Nodes that may fail together (a rack, a room) share a zone; copies are spread "
                 "over zones.",
                 set_with([](const SettingValue& v) { return word(v, limits::zone_name_bytes); },
                          [](Config & c) -> auto& { return c.node.zone; }),
                 [](const Config& c) { return quoted(c.node.zone); }});
  out.push_back(
      {"node", "weight", "share", "This node's share of the data against the other nodes' weights.",
       set_with(
           whole(1, limits::weight_most), [](Config & c) -> auto& { return c.node.weight; }),
       [](const Config& c) { return std::to_string(c.node.weight); }});
}

void add_doors(std::vector<Setting>& out) {
  const auto door = [&out](std::string_view key, std::string_view meaning,
                           Address Config::Doors::*member) {
    out.push_back({"doors", key, "host:port", meaning,
                   set_with(
                       address, [member](Config & c) -> auto& { return c.doors.*member; }),
                   [member](const Config& c) { return quoted((c.doors.*member).text()); }});
  };
  door("client", "Where clients connect (TCP, native protocol).", &Config::Doors::client);
  door("peer", "Where other nodes connect for replication (TCP).", &Config::Doors::peer);
  door("gossip", "Where other nodes gossip (UDP and TCP on the same port).",
       &Config::Doors::gossip);
  door("admin", "Where cluster-admin and metrics connect (HTTP).", &Config::Doors::admin);
  out.push_back({"doors", "insecure", "",
                 "Says in so many words that doors may listen beyond loopback although neither "
                 "TLS nor accounts protect them.",
                 set_with(
                     truth, [](Config & c) -> auto& { return c.doors.insecure; }),
                 [](const Config& c) { return c.doors.insecure ? "true" : "false"; }});
}

void add_cluster(std::vector<Setting>& out) {
  out.push_back({"cluster", "name", "name",
                 "The cluster's name; nodes of another name are not spoken to.",
                 set_with([](const SettingValue& v) { return word(v, limits::cluster_name_bytes); },
                          [](Config & c) -> auto& { return c.cluster.name; }),
                 [](const Config& c) { return quoted(c.cluster.name); }});
  out.push_back({"cluster", "initial_members", "host:port, ...",
                 "The gossip addresses of all nodes that make the cluster, this one among them; "
                 "the same list on each. Later only used to find the others. Empty: this node "
                 "waits until an operator joins it to a cluster.",
                 set_with(
                     addresses, [](Config & c) -> auto& { return c.cluster.initial_members; }),
                 [](const Config& c) { return list_of(c.cluster.initial_members); }});
  out.push_back(
      {"cluster", "replicas", "copies",
       "N: on how many nodes each record lies. Fixed when the cluster is made.",
       set_with(
           whole(1, limits::replicas_most), [](Config & c) -> auto& { return c.cluster.replicas; }),
       [](const Config& c) { return std::to_string(c.cluster.replicas); }});
  out.push_back({"cluster", "partitions", "partitions",
                 "Q: into how many arcs the ring is cut; a power of two. Fixed when the cluster "
                 "is made.",
                 set_with(
                     partitions, [](Config & c) -> auto& { return c.cluster.partitions; }),
                 [](const Config& c) { return std::to_string(c.cluster.partitions); }});
  out.push_back(
      {"cluster", "gossip_key", "hex digits",
       "128 secret bits that tag gossip packets, the same on every node; empty: a "
       "tag that protects against mistakes only.",
       set_with(
           gossip_key, [](Config & c) -> auto& { return c.cluster.gossip_key; }),
       [](const Config& c) { return quoted(c.cluster.gossip_key.empty() ? "" : "(secret)"); }});
}

void add_anti_entropy(std::vector<Setting>& out) {
  using Part = Config::AntiEntropy;
  out.push_back(
      {"anti_entropy", "enabled", "",
       "Whether copies are compared on a schedule. Copies that are known to lack data are "
       "refilled in any case.",
       set_with(
           truth, [](Config & c) -> auto& { return c.anti_entropy.enabled; }),
       [](const Config& c) { return c.anti_entropy.enabled ? "true" : "false"; }});
  const auto number = [&out](std::string_view key, std::string_view unit, std::string_view meaning,
                             auto Part::*member, std::int64_t least, std::int64_t most) {
    out.push_back(
        {"anti_entropy", key, unit, meaning,
         set_with(
             whole(least, most), [member](Config & c) -> auto& { return c.anti_entropy.*member; }),
         [member](const Config& c) { return std::to_string(c.anti_entropy.*member); }});
  };
  number("interval_s", "seconds",
         "From one comparison of two copies to the next, a tenth more or less.", &Part::interval_s,
         1, 31 * 86400);
  number("pause_ms", "ms",
         "Before what differs is looked at again; what writes in progress explain is gone by then.",
         &Part::pause_ms, 0, 60000);
  number("bytes_a_second", "bytes", "Of comparing and repairing, on each shard, both ways.",
         &Part::bytes_a_second, 1024, std::int64_t{1} << 40);
  number("cpu_percent", "percent", "Of a shard's thread, for comparing and repairing.",
         &Part::cpu_percent, 1, 100);
  number("from_hour", "hour (UTC)",
         "Scheduled comparisons begin from this hour on, until `to_hour`; both equal: at any time.",
         &Part::from_hour, 0, 23);
  number("to_hour", "hour (UTC)", "See `from_hour`.", &Part::to_hour, 0, 23);
}

void add_streams(std::vector<Setting>& out) {
  out.push_back({"streams", "bytes_a_second", "bytes a second",
                 "How fast this node takes partitions that a change of the ring gives it.",
                 set_with(
                     whole(1 << 10, std::int64_t{1} << 40),
                     [](Config & c) -> auto& { return c.streams.bytes_a_second; }),
                 [](const Config& c) { return std::to_string(c.streams.bytes_a_second); }});
}

void add_rest(std::vector<Setting>& out) {
  out.push_back({"limits", "value_bytes", "bytes", "The largest value a put may carry.",
                 set_with(
                     whole(1, static_cast<std::int64_t>(limits::value_bytes_most)),
                     [](Config & c) -> auto& { return c.limits.value_bytes; }),
                 [](const Config& c) { return std::to_string(c.limits.value_bytes); }});
  out.push_back({"limits", "in_flight_bytes", "bytes",
                 "Requests in progress on one shard, together; more are refused as overload.",
                 set_with(
                     whole(1 << 20, std::int64_t{1} << 36),
                     [](Config & c) -> auto& { return c.limits.in_flight_bytes; }),
                 [](const Config& c) { return std::to_string(c.limits.in_flight_bytes); }});
  out.push_back({"handoff", "bytes_a_second", "bytes a second",
                 "How fast this node replays, to all nodes together, what they missed.",
                 set_with(
                     whole(1 << 10, std::int64_t{1} << 40),
                     [](Config & c) -> auto& { return c.handoff.bytes_a_second; }),
                 [](const Config& c) { return std::to_string(c.handoff.bytes_a_second); }});
  out.push_back({"handoff", "window", "records",
                 "How many of them one shard has on their way to one node; fewer while clients "
                 "wait.",
                 set_with(
                     whole(1, static_cast<std::int64_t>(limits::peer_calls_a_shard)),
                     [](Config & c) -> auto& { return c.handoff.window; }),
                 [](const Config& c) { return std::to_string(c.handoff.window); }});
  out.push_back({"purge", "enabled", "",
                 "Whether this node purges what was deleted or has expired, and trims contexts.",
                 set_with(
                     truth, [](Config & c) -> auto& { return c.purge.enabled; }),
                 [](const Config& c) { return std::string(c.purge.enabled ? "true" : "false"); }});
  out.push_back(
      {"purge", "interval_seconds", "s",
       "The time between the end of a purge of all partitions and the next.",
       set_with(
           whole(1, 7 * 86400), [](Config & c) -> auto& { return c.purge.interval_seconds; }),
       [](const Config& c) { return std::to_string(c.purge.interval_seconds); }});
  out.push_back({"scrub", "interval_s", "seconds",
                 "From the end of one walk over all records, to find what went bad on the disk, to "
                 "the begin of the next; 0: only when an operator asks for one.",
                 set_with(
                     whole(0, 366 * 86400), [](Config & c) -> auto& { return c.scrub.interval_s; }),
                 [](const Config& c) { return std::to_string(c.scrub.interval_s); }});
  out.push_back({"scrub", "bytes_a_second", "bytes",
                 "How much of its records this node reads for that, all shards together.",
                 set_with(
                     whole(1 << 16, std::int64_t{1} << 40),
                     [](Config & c) -> auto& { return c.scrub.bytes_a_second; }),
                 [](const Config& c) { return std::to_string(c.scrub.bytes_a_second); }});
  out.push_back({"log", "level", "", "The least severe lines that are written.",
                 set_with(
                     level, [](Config & c) -> auto& { return c.log.level; }),
                 [](const Config& c) { return quoted(c.log.level); }});
  out.push_back({"log", "file", "path", "Where log lines go; empty: standard error.",
                 set_with(
                     path, [](Config & c) -> auto& { return c.log.file; }),
                 [](const Config& c) { return quoted(c.log.file); }});
}

template <class Choice>
auto choose(std::vector<std::pair<std::string_view, Choice>> choices, Choice Bucket::*member) {
  return [choices = std::move(choices), member](Bucket& bucket,
                                                const SettingValue& value) -> Result<void> {
    const auto* text = std::get_if<std::string>(&value);
    std::string names;
    for (const auto& [name, choice] : choices) {
      if (text != nullptr && *text == name) {
        bucket.*member = choice;
        return {};
      }
      names += (names.empty() ? "" : " or ") + quoted(std::string(name));
    }
    return should_be(names);
  };
}

BucketSetting copies(std::string_view key, std::string_view meaning,
                     std::uint32_t Bucket::*member) {
  return {key, "copies", meaning,
          [member](Bucket& bucket, const SettingValue& value) -> Result<void> {
            const auto number = integer(value, 1, limits::replicas_most);
            if (!number) return std::unexpected(number.error());
            bucket.*member = static_cast<std::uint32_t>(*number);
            return {};
          },
          [member](const Bucket& b) { return std::to_string(b.*member); }};
}

Result<void> set_ttl(Bucket& bucket, const SettingValue& value) {
  const auto number = integer(value, 0, std::int64_t{100} * 365 * 86400);
  if (!number) return std::unexpected(number.error());
  bucket.default_ttl = std::chrono::seconds(*number);
  return {};
}

Result<void> set_kind(Bucket&, const SettingValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr && *text == "linearizable") {
    return fail(ErrorCode::invalid_argument,
                "linearizable buckets do not exist yet; should be \"eventual\"");
  }
  if (text == nullptr || *text != "eventual") return should_be("\"eventual\"");
  return {};
}

Result<void> set_sloppy(Bucket& bucket, const SettingValue& value) {
  const auto flag = truth(value);
  if (!flag) return std::unexpected(flag.error());
  bucket.sloppy = *flag;
  return {};
}

}  // namespace

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> out;
    add_node(out);
    add_doors(out);
    add_cluster(out);
    add_anti_entropy(out);
    add_streams(out);
    add_rest(out);
    return out;
  }();
  return settings;
}

const std::vector<BucketSetting>& bucket_settings() {
  static const std::vector<BucketSetting> settings = {
      {"name", "name", "The bucket's name, as clients give it. Required.",
       [](Bucket& bucket, const SettingValue& value) -> Result<void> {
         auto name = word(value, limits::bucket_name_bytes);
         if (!name) return std::unexpected(name.error());
         bucket.name = *std::move(name);
         return {};
       },
       [](const Bucket& b) { return quoted(b.name); }},
      copies("r", "How many owners answer a read.", &Bucket::r),
      copies("w", "How many owners hold a write durably before it is acknowledged.", &Bucket::w),
      {"sloppy", "", "Whether fallbacks stand in for owners that cannot be reached.", set_sloppy,
       [](const Bucket& b) { return b.sloppy ? "true" : "false"; }},
      {"durability", "",
       "\"commit\": synced before the acknowledgement; \"interval\": written "
       "before it, synced at most 100 ms later.",
       choose<Durability>({{"commit", Durability::commit}, {"interval", Durability::interval}},
                          &Bucket::durability),
       [](const Bucket& b) {
         return quoted(b.durability == Durability::commit ? "commit" : "interval");
       }},
      {"resolver", "",
       "What becomes of concurrent values: \"siblings\" keeps all, \"lww\" the "
       "last written.",
       choose<Resolver>({{"siblings", Resolver::siblings}, {"lww", Resolver::lww}},
                        &Bucket::resolver),
       [](const Bucket& b) {
         return quoted(b.resolver == Resolver::siblings ? "siblings" : "lww");
       }},
      {"time_to_live_s", "seconds",
       "After which values expire that are put without a time to "
       "live of their own; 0: never.",
       set_ttl,
       [](const Bucket& b) {
         return std::to_string(
             std::chrono::duration_cast<std::chrono::seconds>(b.default_ttl).count());
       }},
      {"kind", "", "\"eventual\"; others come later.", set_kind,
       [](const Bucket&) { return quoted("eventual"); }},
  };
  return settings;
}

std::string settings_table() {
  std::string out = "| setting | default | unit | meaning |\n|---|---|---|---|\n";
  const auto add = [&out](const std::string& name, const std::string& shown, std::string_view unit,
                          std::string_view meaning) {
    out += "| `" + name + "` | `" + shown + "` | " + std::string(unit) + " | " +
           std::string(meaning) + " |\n";
  };
  const Config config;
  for (const auto& setting : all_settings()) {
    add(std::string(setting.section) + "." + std::string(setting.key), setting.show(config),
        setting.unit, setting.meaning);
  }
  const Bucket bucket;
  for (const auto& setting : bucket_settings()) {
    add("bucket." + std::string(setting.key), setting.show(bucket), setting.unit, setting.meaning);
  }
  return out;
}

}  // namespace coterie
