#include "bench/plot.h"

#include <doctest/doctest.h>

#include "bench/plot_results.h"

using namespace coterie::bench;

namespace {

std::vector<std::string> texts(const std::vector<Tick>& ticks) {
  std::vector<std::string> out;
  for (const Tick& tick : ticks) out.push_back(tick.text);
  return out;
}

}  // namespace

TEST_CASE("ticks are round and cover the range") {
  using Texts = std::vector<std::string>;
  CHECK(texts(ticks_of(0, 95, false)) == Texts{"0", "20", "40", "60", "80", "100"});
  CHECK(texts(ticks_of(0, 1'000'000, false)) == Texts{"0", "200k", "400k", "600k", "800k", "1M"});
  CHECK(texts(ticks_of(3, 40, true)) == Texts{"2", "5", "10", "20", "50"});
  CHECK(texts(ticks_of(0.2, 9000, true)) == Texts{"0.1", "1", "10", "100", "1k", "10k"});
  CHECK(ticks_of(0, 0, false).size() >= 2);
  CHECK(ticks_of(5, 5, true).size() >= 2);
}

TEST_CASE("numbers are short") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(0.01234) == "0.0123");
  CHECK(short_number(137'412) == "137k");
  CHECK(short_number(1'846'016) == "1.85M");
}

TEST_CASE("what cannot be shown is left out, and text is escaped") {
  LinePlot plot{.x = {.title = "a < b", .is_log = true},
                .y = {.title = "ms"},
                .series = {{.name = "one", .points = {{.x = 0, .y = 1, .note = {}}}}},
                .x_ticks = {}};
  CHECK(svg_of(plot).contains("nothing was measured"));
  plot.series[0].points.push_back({.x = 10, .y = 1, .note = {}});
  plot.series[0].points.push_back({.x = 20, .y = 3, .note = "\"here\""});
  const std::string svg = svg_of(plot);
  CHECK(svg.contains("a &lt; b"));
  CHECK(svg.contains("&quot;here&quot;"));
  CHECK_FALSE(svg.contains("nan"));
  CHECK_FALSE(svg.contains("inf"));
}

TEST_CASE("bars") {
  const std::string svg = svg_of(
      BarPlot{.unit = "requests a second",
              .bars = {{.name = "one", .value = 10, .least = 8, .most = 12, .is_doubtful = true}}});
  CHECK(svg.contains("10 *"));
  CHECK(svg.contains("(8 to 12)"));
  CHECK_FALSE(svg_of(BarPlot{.unit = "x", .bars = {{.name = "none"}}}).contains("nan"));
}

TEST_CASE("pictures of kept results") {
  const auto scaling = plots_of(R"({"tool": "bench/scaling", "columns":
      ["dimension", "value", "kind", "pipeline", "per_second", "cpu_us", "p99_ms"],
      "rows": [["shards", 1, "put", 16, 1000, 5.5, 2], ["shards", 2, "put", 16, 1900, 6.5, 3],
               ["values", 16, "get", 1, 100, 5, 2], ["values", 1024, "get", 1, 90, 7, 3]]})");
  REQUIRE(scaling);
  REQUIRE(scaling->size() == 6);
  CHECK(scaling->at(0).name == "scaling-shards-throughput.svg");
  CHECK(scaling->at(0).contents.starts_with("<svg xmlns="));
  CHECK(scaling->at(0).contents.contains("put, 16: 2, 1.9k"));
  const auto compared = plots_of(R"({"tool": "coterie-bench compare", "columns":
      ["system", "work", "pipeline", "quiet", "per_second", "cpu_us", "p99_ms"],
      "rows": [["redis", "write", 1, 0, [10, 8, 12], [2, 1, 3], 0.5]]})");
  REQUIRE(compared);
  REQUIRE(compared->size() == 3);
  CHECK(compared->at(2).name == "compare-write-1-throughput.svg");
  CHECK(compared->at(2).contents.contains("10 *"));
  CHECK_FALSE(plots_of("{}"));
  CHECK_FALSE(plots_of("no JSON"));
  CHECK(plots_of(R"({"tool": "x"})").error().message.contains("it is of x"));
}
