#include "node/admin/metrics.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/unit/admin/samples.h"

using namespace coterie;
using namespace coterie::admin;
using admin_samples::status_of;

namespace {

struct Parsed {
  std::map<std::string, std::string> types;
  std::map<std::string, double> values;  // by the whole name with its labels
};

std::string family_of(const std::string& name, const Parsed& parsed) {
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    const std::string tail = suffix;
    if (!name.ends_with(tail)) continue;
    const std::string family = name.substr(0, name.size() - tail.size());
    if (parsed.types.contains(family)) return family;
  }
  return name;
}

/// Reads the text form as strictly as its grammar is; every complaint fails the test.
Parsed parse(const std::string& text) {
  static const std::regex head(R"(# (HELP|TYPE) (coterie_[a-z0-9_]+) (.+))");
  static const std::regex sample(
      R"re((coterie_[a-z0-9_]+)(\{([a-z]+="([^"\\\n]|\\.)*")(,[a-z]+="([^"\\\n]|\\.)*")*\})? ([0-9.e+-]+))re");
  Parsed out;
  std::set<std::string> helped;
  CHECK(text.ends_with("\n"));
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    CAPTURE(line);
    std::smatch match;
    if (std::regex_match(line, match, head)) {
      if (match[1] == "HELP") {
        CHECK(helped.insert(match[2]).second);
      } else {
        const std::string type = match[3];
        const bool is_known = type == "counter" || type == "gauge" || type == "histogram";
        CHECK(is_known);
        CHECK(out.types.emplace(match[2], type).second);
      }
      continue;
    }
    REQUIRE(std::regex_match(line, match, sample));
    const std::string family = family_of(match[1], out);
    CHECK(helped.contains(family));
    CHECK(out.types.contains(family));
    CHECK((out.types[family] == "counter") == family.ends_with("_total"));
    CHECK(out.values.emplace(match[1].str() + match[2].str(), std::stod(match[7])).second);
  }
  return out;
}

}  // namespace

TEST_CASE("the metrics are valid and carry what the status says") {
  auto status = status_of();
  status.gossip.probes = 42;
  const auto parsed = parse(metrics_text(status, judge(facts_of(status))));
  const auto value = [&](const std::string& name) {
    CAPTURE(name);
    REQUIRE(parsed.values.contains(name));
    return parsed.values.at(name);
  };
  CHECK(value(R"(coterie_requests_total{shard="1",operation="get"})") == 10);
  CHECK(value(R"(coterie_members{state="alive"})") == 3);
  CHECK(value(R"(coterie_partitions{state="full"})") == 64);
  CHECK(value(R"(coterie_verdict{level="ok"})") == 1);
  CHECK(value("coterie_gossip_probes_total") == 42);
  CHECK(value("coterie_uptime_seconds") == 18000);
  CHECK(value(R"(coterie_request_duration_seconds_count{operation="get"})") == 2);
  CHECK(value(R"(coterie_request_duration_seconds_bucket{operation="get",le="0.001"})") == 0);
  CHECK(value(R"(coterie_request_duration_seconds_bucket{operation="get",le="0.0025"})") == 2);
  CHECK(value(R"(coterie_request_duration_seconds_bucket{operation="get",le="+Inf"})") == 2);
  CHECK(value(R"(coterie_request_duration_seconds_sum{operation="get"})") ==
        doctest::Approx(0.004));
}

TEST_CASE("docs/operations.md has a row for each metric, and for none else") {
  std::ifstream file(COTERIE_OPERATIONS_DOCUMENT);
  REQUIRE(file);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const auto status = status_of();
  const auto parsed = parse(metrics_text(status, judge(facts_of(status))));
  for (const auto& [name, type] : parsed.types) {
    CAPTURE(name);
    CHECK(page.find("\n| `" + name + "` | " + type + " | ") != std::string::npos);
  }
  const std::regex row(R"(\n\| `coterie_\w+` \|)");
  const auto rows = std::distance(std::sregex_iterator(page.begin(), page.end(), row), {});
  CHECK(static_cast<std::size_t>(rows) == parsed.types.size());
}

TEST_CASE("metrics before the first epoch, and with labels that need escapes") {
  auto status = status_of();
  status.view = nullptr;
  status.shards.clear();
  status.config.cluster.name = "a\"b\\c";
  const std::string text = metrics_text(status, judge(facts_of(status)));
  const auto parsed = parse(text);
  CHECK(parsed.values.at(R"(coterie_verdict{level="forming"})") == 1);
  CHECK(text.find(R"(cluster="a\"b\\c")") != std::string::npos);
}

TEST_CASE("a histogram's counts below a bound") {
  Histogram histogram;
  CHECK(histogram.count_within(std::chrono::hours(1)) == 0);
  for (int i = 1; i <= 100; ++i) histogram.add(std::chrono::milliseconds(i));
  CHECK(histogram.count_within(std::chrono::nanoseconds(0)) == 0);
  CHECK(histogram.count_within(std::chrono::milliseconds(100)) == 100);
  const auto half = histogram.count_within(std::chrono::milliseconds(50));
  CHECK(half <= 50);
  CHECK(half >= 48);
  CHECK(histogram.sum() == std::chrono::milliseconds(5050));
}
