#include <doctest/doctest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <mutex>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "client/admin_tool/fetch.h"
#include "node/admin/http_door.h"
#include "node/admin/routes.h"
#include "tests/unit/admin/door.h"
#include "tests/unit/admin/samples.h"

namespace coterie::http_test {

using namespace coterie::admin;
using namespace coterie::admin_samples;
using Json = nlohmann::ordered_json;

namespace {

struct Door : AnyDoor {
  Json json(const std::string& path, int expected) const {
    const auto fetched = get(path);
    CHECK(fetched.status == expected);
    return Json::parse(fetched.body);
  }
};

/// What the door says to bytes that need not be HTTP, until it closes.
std::string answer_to(const std::string& bytes, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
  // Closed midway is an answer too.
  (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  (void)::shutdown(fd, SHUT_WR);
  std::string out;
  std::array<char, 4096> part{};
  for (auto n = ::recv(fd, part.data(), part.size(), 0); n > 0;
       n = ::recv(fd, part.data(), part.size(), 0)) {
    out.append(part.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  return out;
}

}  // namespace

TEST_CASE("every path answers with its document") {
  Door door;
  CHECK(door.json("/healthz", 200)["ready"] == true);
  CHECK(door.json("/v1/status", 200)["verdict"]["level"] == "ok");
  CHECK(door.json("/v1/members", 200)["nodes"].size() == 3);
  CHECK(door.json("/v1/ring?partition=5", 200)["partitions"][0]["partition"] == 5);
  CHECK(door.json("/v1/config", 200)["settings"].size() > 10);
  CHECK(door.json("/v1/explain?key_base64=" + admin_tool::percent_encoded("YQ=="), 200)["key"] ==
        "a");
  CHECK(door.json("/v1/explain?key=" + admin_tool::percent_encoded("a b&c=d%"), 200)["key"] ==
        "a b&c=d%");
  const auto metrics = door.get("/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.body.starts_with("# HELP coterie_"));
}

TEST_CASE("what is wrong with a request is said in JSON") {
  Door door;
  const auto unknown = door.json("/v1/nothing", 404);
  CHECK(unknown["format"] == 1);
  CHECK(unknown["error"]["code"] == "not_found");
  CHECK(unknown["error"]["message"].get<std::string>().find("/v1/status") != std::string::npos);
  for (const char* wrong : {"-1", "64", "4294967296", "x", "", "1x", "99999999999999999999"}) {
    CAPTURE(wrong);
    const auto answer = door.json(std::string("/v1/ring?partition=") + wrong, 400);
    CHECK(answer["error"]["message"] == "partition should be a number from 0 to 63");
  }
  CHECK(door.json("/v1/explain", 400)["error"]["code"] == "invalid_argument");
  CHECK(door.json("/v1/explain?key=a&bucket=b", 404)["error"]["code"] == "unknown_bucket");
  CHECK(door.get("/" + std::string(10000, 'a')).status >= 400);

  httplib::Client other("127.0.0.1", door.http->address().port);
  const auto posted = other.Post("/v1/status", "x", "text/plain");
  REQUIRE(posted);
  CHECK(posted->status == 405);
  CHECK(Json::parse(posted->body)["error"]["message"] == "/v1/status takes GET only");
  const auto deleted = other.Delete("/v1/status");
  REQUIRE(deleted);
  CHECK(deleted->status == 405);
  CHECK(Json::parse(deleted->body)["error"]["message"] == "the admin door takes GET and POST only");
}

TEST_CASE("an order is a JSON object that says what to do, on all shards") {
  Door door;
  const auto order = [&](const std::string& body) {
    const auto answers = admin_tool::post_all({door.http->address()}, "/v1/handoff", body);
    REQUIRE(answers[0]);
    return std::pair(answers[0]->status, Json::parse(answers[0]->body));
  };
  const std::string cancel = R"({"action":"cancel","target":")" + to_hex(node_id(2)) + "\"}";
  const auto [status, done] = order(cancel);
  CHECK(status == 200);
  CHECK(done.dump() == R"({"format":1,"action":"cancel","hints":5})");
  CHECK(order(R"({"action":"pause"})").first == 200);
  for (const char* wrong :
       {"", "x", "[]", "{}", R"({"action":"stop"})", R"({"action":"cancel"})",
        R"({"action":"cancel","target":"12"})", R"({"action":["pause"]})", R"({"action":-1})"}) {
    CAPTURE(wrong);
    const auto [code, answer] = order(wrong);
    CHECK(code == 400);
    CHECK(answer["error"]["code"] == "invalid_argument");
  }
  door.outcomes = std::vector<Result<std::uint64_t>>{1, fail(ErrorCode::not_found, "none of it")};
  CHECK(order(cancel).second["hints"] == 1);
  door.outcomes = std::vector<Result<std::uint64_t>>{1, fail(ErrorCode::overloaded, "busy")};
  CHECK(order(cancel).first == 503);
  // Not what a page in a browser can send to another's door without asking it first.
  httplib::Client other("127.0.0.1", door.http->address().port);
  const auto plain = other.Post("/v1/handoff", R"({"action":"pause"})", "text/plain");
  REQUIRE(plain);
  CHECK(plain->status == 400);
}

TEST_CASE("not ready: 503 and why") {
  Door door;
  door.change([](auto& status) {
    status->shards[1].store.state = StoreState::stopped;
    status->shards[1].store.reason = "a sync failed";
  });
  CHECK(door.json("/healthz", 503)["error"]["message"] == "shard 1 has stopped: a sync failed");
  CHECK(door.json("/v1/status", 200)["verdict"]["level"] == "critical");
  // A full disk still serves reads.
  door.change([](auto& status) { status->shards[1].store.state = StoreState::read_only; });
  CHECK(door.json("/healthz", 200)["ready"] == true);
  door.change([](auto& status) { status->shards.pop_back(); });
  CHECK(door.json("/healthz", 503)["error"]["message"].get<std::string>().starts_with("1 of 2"));
  door.change([](auto& status) {
    status->view = nullptr;
    status->blockers = {"the cluster is forming: two is missing"};
  });
  for (const char* path : {"/healthz", "/v1/ring", "/v1/explain?key=a"}) {
    CHECK(door.json(path, 503)["error"]["message"] == "the cluster is forming: two is missing");
  }
  CHECK(door.get("/metrics").status == 200);
  door.change([](auto& status) { status = fail(ErrorCode::unavailable, "the node is stopping"); });
  for (const char* path : {"/healthz", "/metrics", "/v1/status"}) {
    CHECK(door.json(path, 503)["error"]["message"] == "the node is stopping");
  }
}

TEST_CASE("garbage gets an error, and the door lives on") {
  Door door;
  for (const std::string& garbage :
       {std::string("\0\0\0\0\r\n\r\n", 8), std::string("GET\r\n\r\n"), std::string(70000, 'x')}) {
    const auto answer = answer_to(garbage, door.http->address().port);
    const bool is_refused = answer.empty() || answer.starts_with("HTTP/1.1 4");
    CHECK_MESSAGE(is_refused, answer);
  }
  CHECK(door.json("/healthz", 200)["ready"] == true);
}

TEST_CASE("a taken port is said at the start, with what to do") {
  Door door;
  const auto second =
      HttpDoor::open(door.http->address(), [](const HttpRequest&) { return HttpAnswer{}; });
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::io);
  CHECK(second.error().message == "doors.admin: cannot listen on " + door.http->address().text() +
                                      ": Address already in use; end what uses it, or name "
                                      "another address and port");
  CHECK_FALSE(HttpDoor::open({.host = "256.1.1.1", .port = 1}, [](const HttpRequest&) {
                return HttpAnswer{};
              }).has_value());
}

TEST_CASE("more requests than threads all get their answer; closing waits for those in progress") {
  std::atomic<int> running = 0;
  std::promise<void> may_end;
  const auto ended = may_end.get_future().share();
  auto door = HttpDoor::open(any_port, [&](const HttpRequest&) {
    ++running;
    running.notify_all();
    ended.wait();
    return HttpAnswer{.body = "done"};
  });
  REQUIRE(door);
  const auto most = static_cast<int>(limits::admin_threads);
  std::vector<std::future<Result<admin_tool::Fetched>>> asked;
  for (int i = 0; i < most + 4; ++i) {
    asked.push_back(std::async(std::launch::async, [address = (*door)->address()] {
      return admin_tool::fetch(address, "/");
    }));
  }
  for (int now = running; now < most; now = running) running.wait(now);
  CHECK(running == most);
  may_end.set_value();
  for (auto& one : asked) {
    const auto fetched = one.get();
    REQUIRE(fetched);
    CHECK(fetched->body == "done");
  }
  CHECK(running == most + 4);
  door->reset();
}

TEST_CASE("nobody at home: why, not a wait") {
  // A port that is taken and not listened on: nobody else can be met there.
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(bound);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&bound), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  const auto fetched =
      admin_tool::fetch({.host = "127.0.0.1", .port = ntohs(bound.sin_port)}, "/healthz");
  ::close(fd);
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().code == ErrorCode::unavailable);
  CHECK(fetched.error().message == "nothing listens there, or there is no such host");
}

}  // namespace coterie::http_test
