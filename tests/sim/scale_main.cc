// What clusters of different sizes cost: docs/scale.md shows the tables that this prints.

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/settings.h"
#include "tests/sim/scale_heap.h"
#include "tests/sim/scale_plans.h"
#include "tests/sim/scale_world.h"

namespace coterie::sim {
namespace {

constexpr const char* usage = R"(usage: sim_scale [options]
  --nodes N        a cluster of so many nodes, from 10; may be repeated (default: 10 and 50)
  --seconds S      at rest, to count bytes (default 60)
  --epochs E       spread with and as many without loss of packets (default 3)
  --partitions Q   of the clusters that run (default 1024); plans are made for 1024 and 16384
)";

constexpr double loss = 0.1;
constexpr std::uint32_t planned_partitions[] = {1024, 16384};

struct Arguments {
  std::vector<std::size_t> nodes;
  std::size_t seconds = 60;
  std::size_t epochs = 3;
  std::uint32_t partitions = 1024;
};

/// What was measured of one cluster that ran.
struct Measured {
  std::size_t nodes = 0;
  Duration start{};
  std::vector<ScaleWorld::Spread> spreads;
  std::vector<ScaleWorld::Spread> spreads_with_loss;
  Traffic at_rest;
  double seconds_at_rest = 0;
  std::uint64_t deaths = 0;
  std::uint64_t restart_bytes = 0;
  ScaleWorld::Memory memory;

  [[nodiscard]] double a_second(std::uint64_t of_all) const {
    return static_cast<double>(of_all) / static_cast<double>(nodes) / seconds_at_rest;
  }
};

double ms(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// Contacts between nodes are random, in both directions one a probe interval: those who know an
/// epoch more than double in each, and the last ones are soon met.
Duration spread_bound(std::size_t nodes) {
  return gossip::Settings{}.probe_interval * (4 + static_cast<int>(std::bit_width(nodes - 1)));
}

/// Bounds that each cluster has to keep, whatever its size; a line each that is broken.
std::vector<std::string> broken(const Measured& of) {
  std::vector<std::string> out;
  for (const auto* spreads : {&of.spreads, &of.spreads_with_loss}) {
    for (const auto& spread : *spreads) {
      if (spread.all <= spread_bound(of.nodes)) continue;
      out.push_back("an epoch took " + std::to_string(ms(spread.all)) + " ms to reach all");
    }
  }
  const double bytes = of.a_second(of.at_rest.packet_bytes + of.at_rest.stream_bytes);
  if (bytes > 8192) out.push_back(std::to_string(bytes) + " bytes a node a second at rest");
  if (of.at_rest.packets == 0) out.push_back("no packet was sent at rest");
  if (of.deaths != 0) out.push_back(std::to_string(of.deaths) + " nodes were taken for dead");
  // A few tables each way, however many seeds a node has.
  const std::size_t table_bytes = 250 * of.nodes;
  if (of.restart_bytes > (limits::gossip_seeds_at_once + 2) * table_bytes + 8192) {
    out.push_back("a restart moved " + std::to_string(of.restart_bytes) + " bytes");
  }
  for (auto& line : out) line.insert(0, std::to_string(of.nodes) + " nodes: ");
  return out;
}

bool spread(ScaleWorld& world, std::size_t epochs, std::vector<ScaleWorld::Spread>& out) {
  for (std::size_t i = 0; i < epochs; ++i) {
    const auto one = world.spread_epoch();
    if (!one) return false;
    out.push_back(*one);
    world.run_for(1s);
  }
  return true;
}

/// Nothing: something was not over within a minute.
std::optional<Measured> measure(std::size_t nodes, const Arguments& arguments) {
  Measured out{.nodes = nodes};
  ScaleWorld world({.nodes = nodes, .partitions = arguments.partitions});
  const auto start = world.start();
  if (!start) return std::nullopt;
  out.start = *start;
  if (!world.settle()) return std::nullopt;

  const Traffic before = world.traffic();
  world.run_for(std::chrono::seconds(arguments.seconds));
  out.at_rest = world.traffic() - before;
  out.seconds_at_rest = static_cast<double>(arguments.seconds);
  out.deaths = world.deaths();

  if (!spread(world, arguments.epochs, out.spreads)) return std::nullopt;
  world.set_loss(loss);
  if (!spread(world, arguments.epochs, out.spreads_with_loss)) return std::nullopt;
  world.set_loss(0);
  const auto restart = world.restart_stream_bytes();
  if (!restart) return std::nullopt;
  out.restart_bytes = *restart;
  out.memory = world.memory();
  return out;
}

struct Times {
  double median = 0;
  double most = 0;
};

Times times(const std::vector<ScaleWorld::Spread>& spreads, Duration ScaleWorld::Spread::*which) {
  std::vector<double> all;
  for (const auto& one : spreads) all.push_back(ms(one.*which));
  std::ranges::sort(all);
  return all.empty() ? Times{} : Times{.median = all[all.size() / 2], .most = all.back()};
}

void print_clusters(const std::vector<Measured>& clusters) {
  std::printf("| nodes | start | decided | half | all | slowest | lossy: half | all | slowest |\n");
  std::printf("|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const auto& of : clusters) {
    const auto all = times(of.spreads, &ScaleWorld::Spread::all);
    const auto lossy = times(of.spreads_with_loss, &ScaleWorld::Spread::all);
    std::printf("| %zu | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f |\n", of.nodes,
                ms(of.start), times(of.spreads, &ScaleWorld::Spread::decided).median,
                times(of.spreads, &ScaleWorld::Spread::half).median, all.median, all.most,
                times(of.spreads_with_loss, &ScaleWorld::Spread::half).median, lossy.median,
                lossy.most);
  }
  std::printf("\n| nodes | packets/s | packet bytes/s | stream bytes/s | restart KB |\n");
  std::printf("|---:|---:|---:|---:|---:|\n");
  for (const auto& of : clusters) {
    std::printf("| %zu | %.1f | %.0f | %.0f | %.0f |\n", of.nodes, of.a_second(of.at_rest.packets),
                of.a_second(of.at_rest.packet_bytes), of.a_second(of.at_rest.stream_bytes),
                static_cast<double>(of.restart_bytes) / 1000);
  }
  std::printf("\n| nodes | RingView without epoch KB | members KB |\n|---:|---:|---:|\n");
  for (const auto& of : clusters) {
    std::printf("| %zu | %.0f | %.0f |\n", of.nodes, static_cast<double>(of.memory.view) / 1000,
                static_cast<double>(of.memory.members) / 1000);
  }
}

void print_epochs(const std::vector<std::size_t>& sizes) {
  std::printf(
      "\n| nodes | partitions | epoch KB | in memory KB | encode ms | decode ms | birth ms |\n");
  std::printf("|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const auto nodes : sizes) {
    for (const auto partitions : planned_partitions) {
      const auto cost = measure_epoch({.nodes = nodes, .partitions = partitions});
      std::printf("| %zu | %u | %.0f | %.0f | %.1f | %.1f | %.0f |\n", nodes, partitions,
                  static_cast<double>(cost.bytes) / 1000,
                  static_cast<double>(cost.heap_bytes) / 1000, cost.encode_ms, cost.decode_ms,
                  cost.birth_ms);
    }
  }
}

/// False: more moves than need be.
bool print_plans(const std::vector<std::size_t>& sizes) {
  bool is_fine = true;
  std::printf(
      "\n| nodes | partitions | change | plan ms | report ms | changing | moved | least |\n");
  std::printf("|---:|---:|---|---:|---:|---:|---:|---:|\n");
  for (const auto nodes : sizes) {
    for (const auto partitions : planned_partitions) {
      for (const auto& [name, cost] : measure_plans({.nodes = nodes, .partitions = partitions})) {
        std::printf("| %zu | %u | %s | %.0f | %.0f | %zu | %zu | %zu |\n", nodes, partitions, name,
                    cost.plan_ms, cost.report_ms, cost.changing, cost.moved, cost.least_moves);
        is_fine = is_fine && 10 * cost.moved <= 11 * cost.least_moves;
      }
    }
  }
  return is_fine;
}

std::optional<Arguments> parse(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; i += 2) {
    const std::string_view option = values[i];
    const std::size_t number = i + 1 < count ? std::strtoull(values[i + 1], nullptr, 10) : 0;
    if (number == 0) return std::nullopt;
    if (option == "--nodes" && number >= 10) {
      out.nodes.push_back(number);
    } else if (option == "--seconds") {
      out.seconds = number;
    } else if (option == "--epochs") {
      out.epochs = number;
    } else if (option == "--partitions") {
      out.partitions = static_cast<std::uint32_t>(number);
    } else {
      return std::nullopt;
    }
  }
  if (out.nodes.empty()) out.nodes = {10, 50};
  return out;
}

int run(const Arguments& arguments) {
  std::vector<Measured> clusters;
  std::vector<std::string> wrong;
  for (const auto nodes : arguments.nodes) {
    auto measured = measure(nodes, arguments);
    if (!measured) {
      wrong.push_back(std::to_string(nodes) + " nodes: not all heard within a minute");
      continue;
    }
    for (auto& line : broken(*measured)) wrong.push_back(std::move(line));
    clusters.push_back(*std::move(measured));
  }
  print_clusters(clusters);
  print_epochs(arguments.nodes);
  if (!print_plans(arguments.nodes)) wrong.emplace_back("a plan moves more than it must");
  for (const auto& line : wrong) std::printf("%s\n", line.c_str());
  return wrong.empty() ? 0 : 1;
}

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse(count, values);
  if (!arguments) std::fputs(coterie::sim::usage, stderr);
  return arguments ? coterie::sim::run(*arguments) : 2;
}
