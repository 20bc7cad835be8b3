#include <doctest/doctest.h>

#include <string>

#include "base/random.h"
#include "client/tool/json.h"
#include "client/tool/tsv.h"
#include "client/tool/utf8.h"

using namespace coterie;
using namespace coterie::tool;

namespace {

/// Bytes as users have them and as nobody has: many of those that need escapes.
Bytes draw(Random& random, std::size_t least) {
  constexpr std::string_view special = "\t\n\r\\tnr\"{}\x7f\x80\xff";
  Bytes out;
  const std::size_t size = least + random.below(20);
  for (std::size_t i = 0; i < size; ++i) {
    out.push_back(random.chance(0.5) ? special[random.below(special.size())]
                                     : static_cast<char>(random.below(256)));
  }
  return out;
}

}  // namespace

TEST_CASE("any record survives both formats, as one line") {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    FileRecord record{.key = draw(random, 1), .sort_key = {}, .value = draw(random, 0)};
    if (random.chance(0.3)) record.sort_key = draw(random, 1);
    const std::string tsv = to_tsv(record);
    CHECK(tsv.find_first_of("\n\r") == std::string::npos);
    const auto from = from_tsv(tsv);
    REQUIRE(from);
    CHECK(*from == record);
    const std::string json = to_json_line(record);
    CHECK(json.find('\n') == std::string::npos);
    const auto back = from_json_line(json);
    REQUIRE(back);
    CHECK(*back == record);
  }
}

TEST_CASE("tsv lines by hand") {
  CHECK(to_tsv({.key = "k", .sort_key = {}, .value = "v"}) == "k\tv");
  CHECK(to_tsv({.key = "k", .sort_key = "s", .value = "v"}) == "k\ts\tv");
  CHECK(to_tsv({.key = "a\tb", .sort_key = {}, .value = "c\nd\\e\rf"}) == "a\\tb\tc\\nd\\\\e\\rf");
  CHECK(from_tsv("k\t trailing blanks  ")->value == " trailing blanks  ");
  CHECK(from_tsv("k\t")->value.empty());
  CHECK(from_tsv("k\tv\r")->value == "v\r");  // raw bytes are the value's
  for (const char* wrong : {"", "k", "\tv", "a\tb\tc\td", "k\t\\x", "k\tends in\\"}) {
    CAPTURE(wrong);
    REQUIRE_FALSE(from_tsv(wrong));
    CHECK(from_tsv(wrong).error().code == ErrorCode::invalid_argument);
    CHECK_FALSE(from_tsv(wrong).error().message.empty());
  }
}

TEST_CASE("json lines by hand") {
  CHECK(to_json_line({.key = "k", .sort_key = {}, .value = "v\""}) ==
        R"({"key":"k","value":"v\""})");
  CHECK(to_json_line({.key = "k", .sort_key = "s", .value = "\xff"}) ==
        R"({"key":"k","sort_key":"s","value_base64":"/w=="})");
  CHECK(from_json_line(R"({"value":"v","key":"\u00e9"})")->key == "\xc3\xa9");
  for (const char* wrong :
       {"", "[]", "{}", "nonsense", R"({"key":"k"})", R"({"key":"","value":"v"})",
        R"({"key":1,"value":"v"})", R"({"key":"k","value":"v","ttl":1})",
        R"({"key":"k","value_base64":"?"})", R"({"key":"k","value":null})"}) {
    CAPTURE(wrong);
    REQUIRE_FALSE(from_json_line(wrong));
    CHECK(from_json_line(wrong).error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("the shape of --json") {
  const client::Key key{.bucket = "words", .partition_key = "k"};
  const client::GetResult found{
      .context = client::Context::from_bytes("\x01\x02"),
      .siblings = {{.value = "v", .timestamp = {7U << 16}}, {.value = "\xff", .expires_ms = 9}}};
  CHECK(
      to_json(key, found) ==
      R"({"bucket":"words","key":"k","found":true,"weak":false,"stand_ins":0,"context":"AQI=","siblings":)"
      R"([{"value":"v","timestamp_ms":7},{"value_base64":"/w==","timestamp_ms":0,)"
      R"("expires_ms":9}]})");
  CHECK(
      to_json(key, client::GetResult{}) ==
      R"({"bucket":"words","key":"k","found":false,"weak":false,"stand_ins":0,"context":"","siblings":[]})");
  CHECK(to_json(key, client::PutResult{.siblings = 2}) ==
        R"({"bucket":"words","key":"k","context":"","siblings":2,"weak":false,"stand_ins":0})");
  CHECK(
      to_json(Error{.code = ErrorCode::unknown_outcome, .message = "who\xff"}) ==
      "{\"error\":{\"code\":\"unknown_outcome\",\"message\":\"who\xef\xbf\xbd\",\"in_doubt\":true,"
      "\"retryable\":true}}");
}

TEST_CASE("UTF-8 is told from other bytes") {
  for (const char* good :
       {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xff"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}
