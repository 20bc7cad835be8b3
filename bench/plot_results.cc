#include "bench/plot_results.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/plot.h"
#include "bench/systems.h"

namespace coterie::bench {
namespace {

using Json = nlohmann::json;

/// A row, by the names of its columns.
using Row = std::map<std::string, Json>;

std::vector<Row> rows_of(const Json& result) {
  const auto columns = result.at("columns").get<std::vector<std::string>>();
  std::vector<Row> rows;
  for (const Json& values : result.at("rows")) {
    Row row;
    for (std::size_t i = 0; i < columns.size(); ++i) row.emplace(columns[i], values.at(i));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string text(const Row& row, const char* column) {
  return row.at(column).get<std::string>();
}

double number(const Row& row, const char* column) {
  return row.at(column).get<double>();
}

struct Measure {
  const char* column;
  const char* name;
  const char* title;
};
constexpr Measure measures[]{{"per_second", "throughput", "requests a second"},
                             {"cpu_us", "cpu", "CPU of all peers a request, µs"},
                             {"p99_ms", "p99", "99th percentile of latency, ms"}};

// Colors of the page, neighbors unlike each other.
constexpr std::size_t well_apart[]{6, 0, 4, 7, 1, 5, 2, 3};

/// What grows along the bottom.
std::string axis_of(const std::string& dimension) {
  if (dimension == "values") return "bytes of a value";
  if (dimension == "shards") return "shards of each of three peers";
  if (dimension == "many-peers") return "peers";
  if (dimension == "siblings") return "siblings of a record";
  return dimension;
}

std::string scaling_plot(const std::vector<Row>& rows, const std::string& dimension,
                         const Measure& measure) {
  std::vector<Series> series;
  double least = 0;
  double most = 0;
  for (const Row& row : rows) {
    if (text(row, "dimension") != dimension) continue;
    const std::string name =
        fmt::format("{}, {}", text(row, "kind"), row.at("pipeline").get<int>());
    auto found = std::ranges::find(series, name, &Series::name);
    if (found == series.end()) {
      series.push_back(
          {.name = name, .color = well_apart[series.size() % std::size(well_apart)], .points = {}});
      found = series.end() - 1;
    }
    const double value = number(row, "value");
    least = least > 0 ? std::min(least, value) : value;
    most = std::max(most, value);
    found->points.push_back({.x = value, .y = number(row, measure.column), .note = {}});
  }
  const bool is_wide = least > 0 && most / least >= 20;
  LinePlot plot{.x = {.title = axis_of(dimension), .is_log = is_wide},
                .y = {.title = measure.title},
                .series = std::move(series),
                .x_ticks = {}};
  if (!is_wide) {
    for (double at = least; at <= most; ++at) {
      plot.x_ticks.push_back({.at = at, .text = short_number(at)});
    }
  }
  return svg_of(plot);
}

std::vector<PlotFile> scaling_plots(const std::vector<Row>& rows) {
  std::vector<std::string> dimensions;
  for (const Row& row : rows) {
    const std::string dimension = text(row, "dimension");
    if (std::ranges::find(dimensions, dimension) == dimensions.end()) {
      dimensions.push_back(dimension);
    }
  }
  std::vector<PlotFile> out;
  for (const auto& dimension : dimensions) {
    for (const Measure& measure : measures) {
      out.push_back({.name = fmt::format("scaling-{}-{}.svg", dimension, measure.name),
                     .contents = file_of(scaling_plot(rows, dimension, measure))});
    }
  }
  return out;
}

std::vector<PlotFile> compare_plots(const std::vector<Row>& rows) {
  std::map<std::string, BarPlot> plots;
  const auto& all = all_systems();
  for (const Row& row : rows) {
    for (const Measure& measure : measures) {
      const Json& figure = row.at(measure.column);
      const bool is_spread = figure.is_array();
      const std::string system = text(row, "system");
      const auto place = std::ranges::find(all, system, &System::name) - all.begin();
      BarPlot& plot = plots[fmt::format("compare-{}-{}-{}.svg", text(row, "work"),
                                        row.at("pipeline").get<int>(), measure.name)];
      plot.unit = measure.title;
      const auto at = [&](std::size_t i) {
        return is_spread ? figure.at(i).get<double>() : figure.get<double>();
      };
      plot.bars.push_back({.name = system,
                           .color = static_cast<std::size_t>(place) % 8,
                           .value = at(0),
                           .least = at(1),
                           .most = at(2),
                           .is_doubtful = row.at("quiet").get<int>() == 0});
    }
  }
  std::vector<PlotFile> out;
  for (const auto& [name, plot] : plots) {
    out.push_back({.name = name, .contents = file_of(svg_of(plot))});
  }
  return out;
}

}  // namespace

Result<std::vector<PlotFile>> plots_of(std::string_view result) {
  const auto wrong = [](const std::string& why) {
    return fail(ErrorCode::invalid_argument,
                "not what --result of coterie-bench compare or bench/scaling writes: " + why);
  };
  try {
    const Json json = Json::parse(result);
    const std::string tool = json.at("tool").get<std::string>();
    if (tool == "coterie-bench compare") return compare_plots(rows_of(json));
    if (tool == "bench/scaling") return scaling_plots(rows_of(json));
    return wrong("it is of " + tool);
  } catch (const Json::exception& error) {
    return wrong(error.what());
  }
}

}  // namespace coterie::bench
