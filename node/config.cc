#include "node/config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

// toml++ is heavy: this file alone includes it.
#include <toml++/toml.h>

#include "node/settings.h"

namespace coterie {
namespace {

/// Gathers what is wrong, each with its place, so that one run shows all of it.
class Complaints {
 public:
  explicit Complaints(std::string_view file) : file_(file) {}

  void add(std::uint32_t line, const std::string& setting, const std::string& what) {
    if (!text_.empty()) text_ += "\n";
    text_ += file_;
    if (line > 0) text_ += ":" + std::to_string(line);
    text_ += ": " + (setting.empty() ? "" : setting + ": ") + what;
  }
  [[nodiscard]] bool any() const { return !text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string file_;
  std::string text_;
};

std::uint32_t line_of(const toml::node& node) {
  return node.source().begin.line;
}

std::optional<SettingValue> value_of(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return SettingValue(flag->get());
  if (const auto* number = node.as_integer()) return SettingValue(number->get());
  if (const auto* text = node.as_string()) return SettingValue(text->get());
  if (const auto* array = node.as_array()) {
    std::vector<std::string> texts;
    for (const auto& element : *array) {
      const auto* text = element.as_string();
      if (text == nullptr) return std::nullopt;
      texts.push_back(text->get());
    }
    return SettingValue(std::move(texts));
  }
  return std::nullopt;
}

std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string unknown(std::string_view name, const std::vector<std::string_view>& known) {
  std::string_view nearest = known.front();
  for (const auto candidate : known) {
    if (edits_between(name, candidate) < edits_between(name, nearest)) nearest = candidate;
  }
  if (edits_between(name, nearest) <= 3) {
    return "there is no such setting; did you mean " + std::string(nearest) + "?";
  }
  std::string all;
  for (const auto candidate : known) all += (all.empty() ? "" : ", ") + std::string(candidate);
  return "there is no such setting; there are " + all;
}

template <class Settings, class Target>
void read_table(const toml::table& table, const std::string& prefix, const Settings& settings,
                Target& target, Complaints& complaints) {
  for (const auto& [key, node] : table) {
    const std::string setting = prefix + std::string(key.str());
    std::vector<std::string_view> known;
    bool found = false;
    for (const auto& candidate : settings) {
      known.push_back(candidate.key);
      if (candidate.key != key.str()) continue;
      found = true;
      const auto value = value_of(node);
      const auto set = value ? candidate.set(target, *value)
                             : Result<void>(fail(ErrorCode::invalid_argument,
                                                 "is of a kind that no setting takes"));
      if (!set) complaints.add(line_of(node), setting, set.error().message);
    }
    if (!found) complaints.add(line_of(node), setting, unknown(key.str(), known));
  }
}

void read_section(const std::string& name, const toml::node& node, Config& config,
                  Complaints& complaints) {
  std::vector<Setting> settings;
  std::vector<std::string_view> sections = {"bucket"};
  for (const auto& setting : all_settings()) {
    if (setting.section == name) settings.push_back(setting);
    if (std::ranges::find(sections, setting.section) == sections.end()) {
      sections.push_back(setting.section);
    }
  }
  if (settings.empty()) {
    complaints.add(line_of(node), "[" + name + "]", unknown(name, sections));
  } else if (const auto* table = node.as_table()) {
    read_table(*table, name + ".", settings, config, complaints);
  } else {
    complaints.add(line_of(node), name, "should be a section, [" + name + "]");
  }
}

void read_buckets(const toml::node& node, Config& config, Complaints& complaints) {
  const auto* array = node.as_array();
  if (array == nullptr || !array->is_array_of_tables()) {
    complaints.add(line_of(node), "bucket", "each bucket is a section, [[bucket]]");
    return;
  }
  std::set<std::string> names;
  for (const auto& element : *array) {
    Bucket bucket;
    bucket.r = bucket.w = config.cluster.replicas / 2 + 1;
    read_table(*element.as_table(), "bucket.", bucket_settings(), bucket, complaints);
    if (bucket.name.empty()) {
      complaints.add(line_of(element), "bucket.name", "is missing: every bucket has a name");
    } else if (!names.insert(bucket.name).second) {
      complaints.add(line_of(element), "bucket.name",
                     "two buckets are called \"" + bucket.name + "\"");
    }
    const std::uint32_t n = config.cluster.replicas;
    if (bucket.r > n || bucket.w > n || bucket.r + bucket.w <= n) {
      complaints.add(line_of(element), "bucket.r, bucket.w",
                     "r and w are at most replicas (" + std::to_string(n) +
                         ") and together above it, so that every read meets every write; they "
                         "are " +
                         std::to_string(bucket.r) + " and " + std::to_string(bucket.w));
    }
    config.buckets.push_back(std::move(bucket));
  }
  if (config.buckets.size() > limits::buckets) {
    complaints.add(0, "bucket", "at most " + std::to_string(limits::buckets) + " buckets");
  }
  // Ids as the first epoch gives them: by name.
  std::ranges::sort(config.buckets, {}, &Bucket::name);
  for (std::size_t i = 0; i < config.buckets.size(); ++i) {
    config.buckets[i].id = BucketId{static_cast<std::uint32_t>(i + 1)};
  }
}

bool is_numeric(const Address& address) {
  in6_addr parsed{};
  return inet_pton(AF_INET, address.host.c_str(), &parsed) == 1 ||
         inet_pton(AF_INET6, address.host.c_str(), &parsed) == 1;
}

bool is_loopback(const Address& address) {
  return address.host.starts_with("127.") || address.host == "::1";
}

void check_doors(const Config& config, const toml::table& file, Complaints& complaints) {
  const auto line = [&file](const char* key) {
    const auto node = file["doors"][key];
    return node ? line_of(*node.node()) : std::uint32_t{0};
  };
  const std::vector<std::pair<const char*, const Address*>> doors = {
      {"client", &config.doors.client},
      {"peer", &config.doors.peer},
      {"gossip", &config.doors.gossip},
      {"admin", &config.doors.admin}};
  for (std::size_t i = 0; i < doors.size(); ++i) {
    const auto& [key, address] = doors[i];
    const std::string setting = std::string("doors.") + key;
    if (!is_numeric(*address) || address->host == "0.0.0.0" || address->host == "::") {
      complaints.add(line(key), setting,
                     "'" + address->host +
                         "' is not the numeric address that others reach this node at; write one, "
                         "as 127.0.0.1");
    }
    if (address->port == 0) complaints.add(line(key), setting, "needs a port from 1 to 65535");
    for (std::size_t j = 0; j < i; ++j) {
      if (*doors[j].second == *address) {
        complaints.add(
            line(key), setting,
            std::string("is also doors.") + doors[j].first + "; each door needs a port of its own");
      }
    }
    if (!is_loopback(*address) && !config.doors.insecure) {
      complaints.add(line(key), setting,
                     address->text() +
                         " is not a loopback address, and neither TLS nor accounts protect it; "
                         "listen on 127.0.0.1, or say doors.insecure = true if the network is "
                         "trusted");
    }
  }
}

void check_whole(Config& config, const toml::table& file, Complaints& complaints) {
  if (config.node.data_directory.empty()) {
    complaints.add(0, "node.data_directory", "is missing: say where this node keeps its data");
  }
  check_doors(config, file, complaints);
  auto& members = config.cluster.initial_members;
  const auto list = file["cluster"]["initial_members"];
  const std::uint32_t line = list ? line_of(*list.node()) : 0;
  if (members.empty()) return;  // an operator joins it to a cluster, which knows the rest
  if (std::ranges::find(members, config.doors.gossip) == members.end()) {
    complaints.add(line, "cluster.initial_members",
                   "does not name this node's own doors.gossip, " + config.doors.gossip.text());
  }
  const auto replicas = file["cluster"]["replicas"];
  if (!replicas && config.cluster.replicas > members.size()) {
    config.cluster.replicas = static_cast<std::uint32_t>(members.size());
  }
  if (config.cluster.replicas > members.size()) {
    complaints.add(replicas ? line_of(*replicas.node()) : 0, "cluster.replicas",
                   std::to_string(config.cluster.replicas) +
                       " copies need as many nodes, but cluster.initial_members names " +
                       std::to_string(members.size()));
  }
}

void add_default_bucket(Config& config) {
  Bucket bucket{.id = BucketId{1}, .name = "default"};
  bucket.r = bucket.w = config.cluster.replicas / 2 + 1;
  config.buckets.push_back(std::move(bucket));
}

Result<Config> read_config(const toml::table& file, std::string_view name) {
  Complaints complaints(name);
  Config config;
  for (const auto& [key, node] : file) {
    if (key.str() != "bucket") read_section(std::string(key.str()), node, config, complaints);
  }
  check_whole(config, file, complaints);
  if (const auto buckets = file["bucket"]) {
    read_buckets(*buckets.node(), config, complaints);
  } else {
    add_default_bucket(config);
  }
  if (complaints.any()) return fail(ErrorCode::invalid_argument, complaints.text());
  return config;
}

}  // namespace

Result<Config> parse_config(std::string_view text, std::string_view name) {
  try {
    return read_config(toml::parse(text, name), name);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid_argument, std::string(name) + ":" +
                                                 std::to_string(error.source().begin.line) + ": " +
                                                 std::string(error.description()));
  }
}

transfer::AntiEntropyOptions options_of(const Config::AntiEntropy& config) {
  return {.enabled = config.enabled,
          .interval = std::chrono::seconds(config.interval_s),
          .pause = std::chrono::milliseconds(config.pause_ms),
          .bytes_a_second = config.bytes_a_second,
          .cpu_percent = config.cpu_percent,
          .from_hour = config.from_hour,
          .to_hour = config.to_hour};
}

Result<Config> load_config(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return fail(ErrorCode::not_found, path +
                                          ": cannot be read; name a configuration file, as "
                                          "in configs/one.toml");
  }
  std::ostringstream text;
  text << in.rdbuf();
  return parse_config(text.str(), path);
}

std::vector<SettingText> settings_of(const Config& config) {
  std::vector<SettingText> out;
  for (const auto& setting : all_settings()) {
    out.push_back({.name = std::string(setting.section) + "." + std::string(setting.key),
                   .value = setting.show(config),
                   .unit = std::string(setting.unit),
                   .meaning = std::string(setting.meaning)});
  }
  return out;
}

}  // namespace coterie
