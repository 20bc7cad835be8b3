#include "client/admin_tool/fetch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

// The one file of the room that includes it.
#include <httplib.h>

namespace coterie::admin_tool {
namespace {

constexpr auto connect_patience = std::chrono::seconds(2);
// Above what a door waits for its own event loops.
constexpr auto answer_patience = std::chrono::seconds(5);
// Of many, one that hangs should not hold up what the others say.
constexpr auto answer_patience_of_many = std::chrono::seconds(2);
// Above limits::admin_order_patience.
constexpr auto decision_patience = std::chrono::seconds(20);
constexpr std::size_t doors_at_a_time = 16;

WallTime wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string reason_of(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
      return "nothing listens there, or there is no such host";
    case httplib::Error::ConnectionTimeout:
      return "no answer to the attempt to connect";
    case httplib::Error::Read:
      return "it took the connection and did not answer in time";
    default:
      return httplib::to_string(error);
  }
}

/// A GET, or a POST of `document` if there is one.
Result<Fetched> fetch_within(std::chrono::seconds patience, const Address& door,
                             const std::string& path, const std::string* document = nullptr) {
  try {
    httplib::Client http(door.host, door.port);
    http.set_connection_timeout(connect_patience);
    http.set_read_timeout(patience);
    http.set_write_timeout(connect_patience);
    const WallTime before = wall_now();
    const auto answer =
        document == nullptr ? http.Get(path) : http.Post(path, *document, "application/json");
    if (!answer) return fail(ErrorCode::unavailable, reason_of(answer.error()));
    return Fetched{
        .status = answer->status, .body = answer->body, .at = before + (wall_now() - before) / 2};
  } catch (const std::exception& error) {
    return fail(ErrorCode::unavailable, error.what());
  }
}

template <class Ask>
std::vector<Result<Fetched>> ask_all(const std::vector<Address>& doors, const Ask& ask) {
  std::vector<Result<Fetched>> out(doors.size(), fail(ErrorCode::unavailable, "not asked"));
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (auto i = next++; i < doors.size(); i = next++) out[i] = ask(doors[i]);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(doors.size(), doors_at_a_time); ++i) {
    threads.emplace_back(work);
  }
  for (auto& thread : threads) thread.join();
  return out;
}

}  // namespace

Result<Fetched> fetch(const Address& door, const std::string& path) {
  return fetch_within(answer_patience, door, path);
}

std::vector<Result<Fetched>> fetch_all(const std::vector<Address>& doors, const std::string& path) {
  return ask_all(doors, [&](const Address& door) {
    return fetch_within(answer_patience_of_many, door, path);
  });
}

std::vector<Result<Fetched>> post_all(const std::vector<Address>& doors, const std::string& path,
                                      const std::string& document) {
  return ask_all(doors, [&](const Address& door) {
    return fetch_within(answer_patience, door, path, &document);
  });
}

Result<Fetched> post_patiently(const Address& door, const std::string& path,
                               const std::string& document) {
  return fetch_within(decision_patience, door, path, &document);
}

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

}  // namespace coterie::admin_tool
