#include "bench/protocol.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::bench;

namespace {

/// What a protocol makes of bytes that come one by one: every end of a message is met.
std::vector<Answer> answers_of(Protocol& protocol, std::string_view bytes) {
  std::vector<Answer> out;
  for (const char byte : bytes) {
    protocol.feed({&byte, 1});
    const auto answer = protocol.next();
    REQUIRE(answer);
    if (*answer) out.push_back(**answer);
  }
  return out;
}

}  // namespace

TEST_CASE("Redis' protocol") {
  const auto protocol = resp_protocol();
  std::string out;
  protocol->read("key", out);
  protocol->write("key", "a\r\nb", out);
  CHECK(out == "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4\r\na\r\nb\r\n");
  const auto answers = answers_of(*protocol, "$3\r\nabc\r\n$-1\r\n+OK\r\n-ERR no\r\n");
  REQUIRE(answers.size() == 4);
  CHECK_FALSE(answers[0].is_missing);
  CHECK(answers[1].is_missing);
  CHECK_FALSE(answers[2].is_missing);
  CHECK(answers[3].refusal == "ERR no");
  protocol->feed("?what\r\n");
  CHECK_FALSE(protocol->next());
}

TEST_CASE("the slots of a Redis cluster") {
  // From the specification: CRC16("123456789") is 0x31c3.
  CHECK(redis_slot("123456789") == 0x31c3 % 16384);
  CHECK(redis_slot("") == 0);
}

TEST_CASE("memcached's meta protocol") {
  const auto protocol = memcache_protocol();
  std::string out;
  protocol->read("key", out);
  protocol->write("key", "abc", out);
  CHECK(out == "mg key v\r\nms key 3\r\nabc\r\n");
  const auto answers =
      answers_of(*protocol, "VA 4\r\n\r\n\r\n\r\nEN\r\nHD\r\nSERVER_ERROR out of memory\r\n");
  REQUIRE(answers.size() == 4);
  CHECK_FALSE(answers[0].is_missing);
  CHECK(answers[1].is_missing);
  CHECK_FALSE(answers[2].refusal);
  CHECK(answers[3].refusal == "SERVER_ERROR out of memory");
  protocol->feed("VA x\r\n");
  CHECK_FALSE(protocol->next());
}

TEST_CASE("etcd's gateway") {
  const auto protocol = etcd_protocol();
  std::string out;
  protocol->write("abcd", "xy", out);
  CHECK(out.ends_with("\r\n\r\n{\"key\":\"YWJjZA==\",\"value\":\"eHk=\"}"));
  CHECK(out.contains("POST /v3/kv/put HTTP/1.1\r\n"));
  CHECK(out.contains("Content-Length: 33\r\n"));
  for (int i = 0; i < 3; ++i) protocol->read("abc", out);
  CHECK(out.ends_with("{\"key\":\"YWJj\"}"));
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  const auto answers = answers_of(
      *protocol, head + "Content-Length: 2\r\n\r\n{}" + head +
                     "content-length: 9\r\n\r\n{\"kvs\":1}" + head +
                     "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"k\r\n6\r\nvs\":1}\r\n0\r\n\r\n" +
                     "HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy");
  REQUIRE(answers.size() == 4);
  CHECK_FALSE(answers[0].is_missing);  // a write
  CHECK_FALSE(answers[1].is_missing);
  CHECK_FALSE(answers[2].is_missing);
  CHECK(answers[3].refusal == "busy");
  protocol->read("abc", out);
  CHECK(answers_of(*protocol, head + "Content-Length: 2\r\n\r\n{}").at(0).is_missing);
  protocol->read("abc", out);
  protocol->feed("SSH-2.0\r\n\r\n");
  CHECK_FALSE(protocol->next());
}
