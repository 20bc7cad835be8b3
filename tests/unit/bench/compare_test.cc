#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "bench/compare_summary.h"
#include "bench/sweep.h"

using namespace coterie;
using namespace coterie::bench;
using namespace std::chrono_literals;

namespace {

Cell cell_of(const std::string& system, std::size_t round, std::uint64_t answered, bool is_quiet) {
  Cell cell{.system = system, .round = round, .records = 10, .phase = {}};
  cell.phase.seconds = 1;
  cell.phase.total.answered_in_window = answered;
  for (int i = 0; i < 10; ++i) cell.phase.total.tally.add_answer(Kind::update, 2ms, false);
  cell.phase.servers = ProcessUsage{.user_seconds = 0.5, .resident_anon_bytes = 1U << 20};
  cell.phase.disturbance = Disturbance{.others_cores = is_quiet ? 0.0 : 2.0};
  return cell;
}

RoundProbes probes_of(std::uint64_t echoes) {
  RoundProbes probes;
  probes.echo[1] = {.operations = echoes, .seconds = 1};
  probes.sync.latency.add(1ms);
  return probes;
}

Comparison sample() {
  Comparison comparison;
  comparison.settings.pipelines = {1};
  for (const System& system : all_systems()) {
    if (system.name == "redis" || system.name == "etcd") comparison.systems.push_back(system);
  }
  comparison.probes = {probes_of(1000), probes_of(2000), probes_of(2000)};
  comparison.cells = {cell_of("redis", 0, 100, true), cell_of("etcd", 0, 50, false),
                      cell_of("redis", 1, 200, true), cell_of("etcd", 1, 20, true),
                      cell_of("redis", 2, 400, true), cell_of("etcd", 2, 80, true)};
  comparison.skipped = {{.system = "memcached", .reason = "apt-get install <it>"}};
  return comparison;
}

}  // namespace

TEST_CASE("a spread is the median and the ends") {
  CHECK(spread_of({3, 1, 2}).median == 2);
  CHECK(spread_of({4, 1, 2, 3}).median == 2.5);
  CHECK(spread_of({3, 1, 2}).least == 1);
  CHECK(spread_of({3, 1, 2}).most == 3);
  CHECK(spread_of({7}).median == 7);
}

TEST_CASE("a row is made of the quiet rounds, and its ratio of figures of one round") {
  const auto rows = summary_of(sample());
  REQUIRE(rows.size() == 2);
  const SummaryRow& redis = rows[0];
  CHECK(redis.system == "redis");
  CHECK(redis.rate.median == 200);
  CHECK(redis.ratio->least == 1);
  const SummaryRow& etcd = rows[1];
  CHECK(etcd.rounds == 3);
  CHECK(etcd.quiet == 2);
  CHECK(etcd.rate.median == 50);  // of 20 and 80
  CHECK(etcd.ratio->least == doctest::Approx(0.1));
  CHECK(etcd.ratio->most == doctest::Approx(0.2));
  CHECK(etcd.of_echo.most == doctest::Approx(0.04));
  CHECK(etcd.p50_of_sync.median == doctest::Approx(2).epsilon(1.0 / 16));
  CHECK(etcd.cpu_us.least == doctest::Approx(0.5 / 80 * 1e6));
  CHECK(etcd.memory_mib == 1);
}

TEST_CASE("writes are held against those of others that promise as much") {
  Comparison comparison = sample();
  CHECK(pairs_of(comparison).empty());
  for (Cell& cell : comparison.cells) {
    if (cell.system == "redis") cell.system = "coterie-commit";
  }
  comparison.curve = {{.system = "etcd", .connections = 1, .p50 = 2ms, .is_quiet = true}};
  const auto pairs = pairs_of(comparison);
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].other == "etcd");
  CHECK(pairs[0].ratio.least == 5);
  CHECK(pairs[0].ratio.most == 10);
  CHECK(text_of(comparison).contains("a single writer, etcd:"));
  const auto result = nlohmann::json::parse(result_of(comparison));
  CHECK(result.at("single_writers").at(0).at("p50_ms") == 2);
  CHECK(html_of(comparison).contains("coterie-commit / etcd"));
}

TEST_CASE("rounds that never were quiet are told, and marked") {
  Comparison comparison = sample();
  for (Cell& cell : comparison.cells) cell.phase.disturbance->others_cores = 1;
  const auto rows = summary_of(comparison);
  CHECK_FALSE(rows[1].is_quiet());
  CHECK(rows[1].rate.median == 50);
  CHECK(text_of(comparison).contains("no round was quiet"));
  comparison.cells.erase(comparison.cells.begin());
  CHECK(summary_of(comparison)[1].ratio->median == doctest::Approx(0.15));
  comparison.systems.erase(comparison.systems.begin());
  std::erase_if(comparison.cells, [](const Cell& cell) { return cell.system == "redis"; });
  CHECK_FALSE(summary_of(comparison).at(0).ratio);
}

TEST_CASE("what is written of a comparison") {
  const Comparison comparison = sample();
  const auto result = nlohmann::json::parse(result_of(comparison));
  CHECK(result.at("rows").size() == 2);
  CHECK(result.at("columns").size() == result.at("rows").at(0).size());
  CHECK(result_of(comparison).size() < 3000);
  const auto all = nlohmann::json::parse(json_of(comparison));
  CHECK(all.at("cells").size() == 6);
  CHECK(all.at("skipped").at(0).at("reason") == "apt-get install <it>");
  const std::string page = html_of(comparison);
  CHECK(page.contains("apt-get install &lt;it&gt;"));
  CHECK_FALSE(page.contains("src="));
  CHECK_FALSE(page.contains("href="));
  CHECK(text_of(comparison).contains("skipped memcached"));
}

TEST_CASE("systems are named") {
  CHECK(systems_named("redis,coterie")->size() == 3);
  CHECK(systems_named("all")->size() == all_systems().size());
  CHECK(systems_named("redis,redis")->size() == 1);
  CHECK(systems_named("redis,mongo").error().message.contains("\"mongo\""));
  const Place place{.directory = {}, .node = "/nowhere/coterie-node"};
  CHECK(why_not(systems_named("coterie-commit")->at(0), place).contains("/nowhere/coterie-node"));
  const System absent{
      .name = "x", .title = "x", .program = "no-such-server", .package = "x-server"};
  CHECK(why_not(absent, place).contains("apt-get install x-server"));
}

TEST_CASE("a ramp goes on until two steps have brought nothing") {
  CHECK(is_rising({}));
  CHECK(is_rising({100, 90}));
  CHECK(is_rising({100, 150, 152}));
  CHECK(is_rising({100, 90, 110}));
  CHECK_FALSE(is_rising({100, 150, 152, 151}));
  CHECK_FALSE(is_rising({100, 90, 101}));
}
