#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace coterie::bench {

/// A directory below the system's or the given one, removed with all that is in it.
class TemporaryDirectory {
 public:
  [[nodiscard]] static Result<TemporaryDirectory> make(const std::string& below);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// A program running in the background, ended with this and, should the bench be killed, with it.
/// Started by the process's first thread.
class ServerProcess {
 public:
  /// `command` begins with the program's path; what it prints goes to the end of the file `log`.
  [[nodiscard]] static Result<std::unique_ptr<ServerProcess>> start(
      const std::vector<std::string>& command, const std::string& log);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  /// Waits until it has ended; kills it if that takes too long.
  ~ServerProcess();

  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] bool has_ended();
  /// Asks it to end, so that several can at a time.
  void ask_to_end();
  /// The end of what it has printed.
  [[nodiscard]] std::string last_words() const;

 private:
  ServerProcess(int pid, std::string log) : pid_(pid), log_(std::move(log)) {}
  int pid_;
  std::string log_;
  bool has_ended_ = false;
};

/// The path of a program: one with a slash as it stands, else searched where programs are; nothing:
/// it is not installed.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);
/// What lies beside the running program.
[[nodiscard]] std::string beside_this_program(const std::string& name);

/// So many ports of loopback that are free now, for TCP and UDP, all different, below those that
/// the kernel hands out by itself.
[[nodiscard]] Result<std::vector<std::uint16_t>> free_ports(std::size_t count);

/// Whether something on loopback takes connections there.
[[nodiscard]] bool accepts(std::uint16_t port);
/// The body of what an HTTP server on loopback says to GET `path`, where it says 200.
[[nodiscard]] std::optional<std::string> http_get(std::uint16_t port, const std::string& path);

/// Until `is_ready`, at most `seconds`. Error: it was not, or one of the processes has ended, with
/// its last words.
[[nodiscard]] Result<void> wait_until_ready(
    const std::vector<std::unique_ptr<ServerProcess>>& processes,
    const std::function<bool()>& is_ready, double seconds);

}  // namespace coterie::bench
