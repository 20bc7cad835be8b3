#include "node/config.h"

#include <doctest/doctest.h>

#include <string>

using coterie::parse_config;

namespace {

const std::string sound = R"([node]
data_directory = "data"
[cluster]
initial_members = ["127.0.0.1:7402", "127.0.0.1:7412", "127.0.0.1:7422"]
)";

std::string complaint(const std::string& text) {
  const auto config = parse_config(text, "one.toml");
  REQUIRE_FALSE(config);
  return config.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is not said has its default") {
  const auto config = parse_config(sound, "one.toml");
  REQUIRE(config);
  CHECK(config->node.data_directory == "data");
  CHECK(config->doors.client.text() == "127.0.0.1:7400");
  CHECK(config->cluster.replicas == 3);
  CHECK(config->cluster.partitions == 1024);
  REQUIRE(config->buckets.size() == 1);
  CHECK(config->buckets[0].name == "default");
  CHECK(config->buckets[0].r == 2);
  CHECK(config->buckets[0].w == 2);
}

TEST_CASE("a node without initial members waits to be joined") {
  const auto config = parse_config("[node]\ndata_directory = \"d\"\n", "one.toml");
  REQUIRE(config);
  CHECK(config->cluster.initial_members.empty());
  CHECK(parse_config("[node]\ndata_directory = \"d\"\n[cluster]\ninitial_members = []\n", ""));
  CHECK(config->cluster.replicas == 3);
}

TEST_CASE("one node alone keeps one copy") {
  const auto config = parse_config(
      "[node]\ndata_directory = \"d\"\n[cluster]\ninitial_members = [\"127.0.0.1:7402\"]\n",
      "one.toml");
  REQUIRE(config);
  CHECK(config->cluster.replicas == 1);
  CHECK(config->buckets[0].w == 1);
}

TEST_CASE("buckets are sorted and numbered by name") {
  const auto config = parse_config(sound + R"([[bucket]]
name = "b"
r = 1
w = 3
resolver = "lww"
time_to_live_s = 60
[[bucket]]
name = "a"
durability = "interval"
)",
                                   "one.toml");
  REQUIRE(config);
  REQUIRE(config->buckets.size() == 2);
  CHECK(config->buckets[0].id.value == 1);
  CHECK(config->buckets[0].durability == coterie::Durability::interval);
  CHECK(config->buckets[1].id.value == 2);
  CHECK(config->buckets[1].resolver == coterie::Resolver::lww);
  CHECK(config->buckets[1].default_ttl == std::chrono::seconds(60));
}

TEST_CASE("a misspelt setting is named with its line and the nearest that exists") {
  const auto text = complaint(sound + "[node2]\n");
  CHECK(contains(text, "one.toml:5"));
  CHECK(contains(text, "did you mean node?"));
  CHECK(contains(complaint("[node]\ndata_directry = \"d\"\n"), "did you mean data_directory?"));
}

TEST_CASE("every mistake of a file is reported at once") {
  const auto text = complaint(R"([node]
data_directory = "d"
shards = 1000
[cluster]
partitions = 1000
replicas = "three"
)");
  CHECK(contains(text, "one.toml:3: node.shards: should be a whole number from 0 to 64"));
  CHECK(contains(text, "one.toml:5: cluster.partitions: should be a power of two"));
  CHECK(contains(text, "one.toml:6: cluster.replicas: should be a whole number from 1 to 7"));
}

TEST_CASE("what does not fit together is refused") {
  CHECK(contains(complaint("[doors]\nclient = \"127.0.0.1:1\"\n"), "node.data_directory"));
  CHECK(contains(complaint("[node]\ndata_directory = \"d\"\n[doors]\nclient = \"10.0.0.1:7400\"\n"),
                 "doors.insecure = true"));
  CHECK(
      contains(complaint("[node]\ndata_directory = \"d\"\n[doors]\nclient = \"127.0.0.1:7401\"\n"),
               "each door needs a port of its own"));
  for (const std::string host : {"0.0.0.0", "localhost", "::"}) {
    const std::string written = host == "::" ? "[::]" : host;
    CHECK(contains(
        complaint("[node]\ndata_directory = \"d\"\n[doors]\nclient = \"" + written + ":7400\"\n"),
        "numeric address"));
  }
  CHECK(contains(complaint("[node]\ndata_directory = \"d\"\n[cluster]\ninitial_members = "
                           "[\"127.0.0.1:9\"]\n"),
                 "does not name this node's own"));
  CHECK(contains(complaint("[node]\ndata_directory = \"d\"\n[cluster]\nreplicas = 3\n"
                           "initial_members = [\"127.0.0.1:7402\"]\n"),
                 "3 copies need as many nodes"));
  CHECK(contains(complaint(sound + "[[bucket]]\nname = \"a\"\nr = 1\nw = 2\n"),
                 "every read meets every write"));
  CHECK(contains(complaint(sound + "[[bucket]]\nname = \"a\"\n[[bucket]]\nname = \"a\"\n"),
                 "two buckets"));
  CHECK(contains(complaint(sound + "[[bucket]]\nname = \"a\"\nkind = \"linearizable\"\n"),
                 "do not exist yet"));
}

TEST_CASE("what is no TOML names its line") {
  CHECK(contains(complaint("[node]\nshards = = 1\n"), "one.toml:2"));
}

TEST_CASE("a file that cannot be read is an error that says so") {
  const auto config = coterie::load_config("/nonexistent/one.toml");
  REQUIRE_FALSE(config);
  CHECK(contains(config.error().message, "cannot be read"));
}

TEST_CASE("every setting is shown with unit and meaning") {
  const auto config = parse_config(sound, "one.toml");
  REQUIRE(config);
  for (const auto& setting : coterie::settings_of(*config)) {
    CHECK_FALSE(setting.meaning.empty());
    CHECK_FALSE(setting.value.empty());
  }
}
