// Writes without end and notes what was acknowledged; reads all of that back. For the process
// tests.
//   load write  --acknowledged FILE --seed A...   until standard input ends
//   load verify --acknowledged FILE --seed A...

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/client.h"

namespace {

using coterie::Bytes;
using coterie::client::Client;

struct Settings {
  std::vector<std::string> seeds;
  std::string bucket = "default";
  std::string file;
  std::size_t in_flight = 64;
  std::uint64_t a_second = 0;  // at most, on average; zero: as fast as they are answered
};

Bytes value_of(const std::string& key) {
  return "the value of " + key + std::string(60, '.');
}

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

class Writer {
 public:
  Writer(Client& client, const Settings& settings)
      : client_(client),
        settings_(settings),
        out_(settings.file, std::ios::app),
        // A second writer on the same file goes on with keys of its own.
        prefix_("key" + std::to_string(read_lines(settings.file).size()) + "-") {}

  /// Until standard input ends and everything sent has been answered.
  void run() {
    while (!is_input_ended() || in_flight_ > 0) {
      while (!is_ended_ && in_flight_ < settings_.in_flight && is_due()) write_next();
      client_.poll(std::chrono::milliseconds(10));
    }
    std::printf("acknowledged=%zu failed=%zu longest_ms=%lld\n", acknowledged_, failed_,
                static_cast<long long>(longest_.count()));
  }

 private:
  using SteadyClock = std::chrono::steady_clock;

  bool is_input_ended() {
    pollfd input{.fd = 0, .events = POLLIN, .revents = 0};
    if (!is_ended_ && ::poll(&input, 1, 0) > 0) is_ended_ = true;
    return is_ended_;
  }

  bool is_due() const {
    const std::chrono::duration<double> passed = SteadyClock::now() - began_;
    return settings_.a_second == 0 ||
           static_cast<double>(next_) < passed.count() * static_cast<double>(settings_.a_second);
  }

  void write_next() {
    const std::string key = prefix_ + std::to_string(next_++);
    const auto begun = SteadyClock::now();
    ++in_flight_;
    client_.write(coterie::client::Write::put_blind(
                      {.bucket = settings_.bucket, .partition_key = key}, value_of(key)),
                  {}, [this, key, begun](const auto& result) {
                    --in_flight_;
                    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
                        SteadyClock::now() - begun);
                    longest_ = std::max(longest_, took);
                    if (!result) {
                      ++failed_;
                      return;
                    }
                    ++acknowledged_;
                    out_ << key << '\n' << std::flush;
                  });
  }

  Client& client_;
  const Settings& settings_;
  std::ofstream out_;
  std::string prefix_;
  SteadyClock::time_point began_ = SteadyClock::now();
  std::uint64_t next_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t acknowledged_ = 0;
  std::size_t failed_ = 0;
  std::chrono::milliseconds longest_{0};
  bool is_ended_ = false;
};

int verify(Client& client, const Settings& settings) {
  std::size_t lost = 0;
  const auto keys = read_lines(settings.file);
  std::size_t read = 0;
  for (std::size_t from = 0; from < keys.size(); from += 1000) {
    std::vector<coterie::client::Key> page;
    for (std::size_t i = from; i < std::min(from + 1000, keys.size()); ++i) {
      page.push_back({.bucket = settings.bucket, .partition_key = keys[i]});
    }
    // Only owners count, also where others may stand in for them.
    const auto results = client.get_many(page, {.sloppy = coterie::client::Sloppy::no});
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& key = page[i].partition_key;
      if (!results[i]) {
        std::printf("%s cannot be read: %s\n", key.c_str(), results[i].error().message.c_str());
        ++lost;
      } else if (results[i]->value() == nullptr || *results[i]->value() != value_of(key)) {
        std::printf("%s is lost: %zu siblings\n", key.c_str(), results[i]->siblings.size());
        ++lost;
      } else {
        ++read;
      }
    }
  }
  std::printf("read=%zu lost=%zu\n", read, lost);
  return lost == 0 && read == keys.size() && read > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes, notes what was acknowledged, and reads it back."};
  Settings settings;
  app.require_subcommand(1);
  auto* write = app.add_subcommand("write");
  auto* check = app.add_subcommand("verify");
  for (auto* command : {write, check}) {
    command->add_option("--seed", settings.seeds)->required();
    command->add_option("--bucket", settings.bucket);
    command->add_option("--acknowledged", settings.file)->required();
    command->add_option("--in-flight", settings.in_flight);
    command->add_option("--a-second", settings.a_second);
  }
  CLI11_PARSE(app, argc, argv);
  coterie::client::Options options;
  options.seeds = settings.seeds;
  auto client = Client::connect(options);
  if (!client) {
    std::fprintf(stderr, "%s\n", client.error().message.c_str());
    return 1;
  }
  if (check->parsed()) return verify(*client, settings);
  Writer(*client, settings).run();
  return 0;
}
