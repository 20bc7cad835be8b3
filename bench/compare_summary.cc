#include "bench/compare_summary.h"

#include <algorithm>
#include <array>
#include <functional>

#include "bench/numbers.h"

namespace coterie::bench {
namespace {

bool is_quiet(const Cell& cell) {
  return cell.phase.disturbance && cell.phase.disturbance->is_quiet();
}

using Cells = std::vector<const Cell*>;

Cells cells_of(const Comparison& comparison, std::string_view system, Work work,
               std::size_t pipeline) {
  Cells out;
  for (const Cell& cell : comparison.cells) {
    if (cell.system == system && cell.work == work && cell.pipeline == pipeline) {
      out.push_back(&cell);
    }
  }
  return out;
}

/// The quiet ones, or all where there are none.
Cells chosen(const Cells& cells) {
  Cells quiet;
  for (const Cell* cell : cells) {
    if (is_quiet(*cell)) quiet.push_back(cell);
  }
  return quiet.empty() ? cells : quiet;
}

Spread spread(const Cells& cells, const std::function<double(const Cell&)>& figure) {
  std::vector<double> figures;
  for (const Cell* cell : cells) figures.push_back(figure(*cell));
  return spread_of(std::move(figures));
}

std::optional<Spread> ratio(const Cells& cells, const Cells& to) {
  Cells in_common;
  const auto same_round = [&](const Cell& cell) {
    const auto found =
        std::ranges::find(to, cell.round, [](const Cell* each) { return each->round; });
    return found == to.end() ? nullptr : *found;
  };
  for (const Cell* cell : cells) {
    const Cell* other = same_round(*cell);
    if (other != nullptr && other->phase.rate() > 0) in_common.push_back(cell);
  }
  if (in_common.empty()) return std::nullopt;
  Cells quiet;
  for (const Cell* cell : in_common) {
    if (is_quiet(*cell) && is_quiet(*same_round(*cell))) quiet.push_back(cell);
  }
  return spread(quiet.empty() ? in_common : quiet, [&](const Cell& cell) {
    return cell.phase.rate() / same_round(cell)->phase.rate();
  });
}

/// `of` a round's probes, or 0.
double part(double figure, double of) {
  return of > 0 ? figure / of : 0;
}

Spread latency(const Cells& cells, double quantile) {
  return spread(cells, [quantile](const Cell& cell) {
    return milliseconds(cell.phase.total.tally.operations().latency.at(quantile));
  });
}

SummaryRow row_of(const Comparison& comparison, const System& system, Work work,
                  std::size_t pipeline, const Cells& all) {
  const Cells cells = chosen(all);
  SummaryRow row{.system = std::string(system.name), .work = work, .pipeline = pipeline};
  row.rounds = all.size();
  row.quiet = static_cast<std::size_t>(
      std::ranges::count_if(all, [](const Cell* cell) { return is_quiet(*cell); }));
  row.records = cells.front()->records;
  row.rate = spread(cells, [](const Cell& cell) { return cell.phase.rate(); });
  row.ratio = ratio(all, cells_of(comparison, baseline, work, pipeline));
  row.of_echo = spread(cells, [&](const Cell& cell) {
    return part(cell.phase.rate(), comparison.probes[cell.round].echo.at(pipeline).rate());
  });
  row.p50_of_sync = spread(cells, [&](const Cell& cell) {
    return part(milliseconds(cell.phase.total.tally.operations().latency.at(0.5)),
                milliseconds(comparison.probes[cell.round].sync.latency.at(0.5)));
  });
  row.cpu_us = spread(cells, [](const Cell& cell) {
    return cell.phase.servers ? cell.phase.per_million(cell.phase.servers->cpu_seconds()) : 0;
  });
  row.p50_ms = latency(cells, 0.5);
  row.p99_ms = latency(cells, 0.99);
  row.p99_9_ms = latency(cells, 0.999);
  row.memory_mib =
      spread(cells, [](const Cell& cell) {
        return cell.phase.servers
                   ? static_cast<double>(cell.phase.servers->resident_anon_bytes) / (1U << 20)
                   : 0;
      }).median;
  for (const Cell* cell : all) {
    const KindTally tally = cell->phase.total.tally.operations();
    row.failed += tally.failed;
    row.missing += tally.missing;
    row.bench_busy =
        std::max(row.bench_busy, cell->phase.bench_busy(comparison.settings.load.threads));
  }
  return row;
}

}  // namespace

Spread spread_of(std::vector<double> figures) {
  std::ranges::sort(figures);
  const std::size_t middle = figures.size() / 2;
  const bool is_even = figures.size() % 2 == 0;
  const double median = is_even ? (figures[middle - 1] + figures[middle]) / 2 : figures[middle];
  return {.median = median, .least = figures.front(), .most = figures.back()};
}

std::vector<SummaryRow> summary_of(const Comparison& comparison) {
  std::vector<SummaryRow> rows;
  for (const Work work : {Work::write, Work::read}) {
    for (const std::size_t pipeline : comparison.settings.pipelines) {
      for (const System& system : comparison.systems) {
        const Cells cells = cells_of(comparison, system.name, work, pipeline);
        if (!cells.empty()) rows.push_back(row_of(comparison, system, work, pipeline, cells));
      }
    }
  }
  return rows;
}

std::vector<PairRow> pairs_of(const Comparison& comparison) {
  struct Pair {
    std::string_view system;
    std::string_view other;
  };
  constexpr std::array pairs{Pair{"coterie-interval", "redis-everysec"},
                             Pair{"coterie-commit", "redis-always"},
                             Pair{"coterie-commit", "etcd"}};
  std::vector<PairRow> rows;
  for (const Pair& pair : pairs) {
    for (const std::size_t pipeline : comparison.settings.pipelines) {
      const auto found = ratio(cells_of(comparison, pair.system, Work::write, pipeline),
                               cells_of(comparison, pair.other, Work::write, pipeline));
      if (!found) continue;
      rows.push_back({.system = std::string(pair.system),
                      .other = std::string(pair.other),
                      .pipeline = pipeline,
                      .ratio = *found});
    }
  }
  return rows;
}

}  // namespace coterie::bench
