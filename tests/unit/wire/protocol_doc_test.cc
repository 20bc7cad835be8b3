#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/error.h"
#include "base/wire/frame.h"
#include "tests/unit/wire/samples.h"

namespace coterie::wire {
namespace {

std::string document() {
  std::ifstream file(COTERIE_PROTOCOL_DOCUMENT);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("docs/protocol.md states each error as the code has it") {
  const std::string text = document();
  for (int value = 1; value <= static_cast<int>(ErrorCode::hints_full); ++value) {
    const auto code = static_cast<ErrorCode>(value);
    const std::string row = "| " + std::to_string(value) + " | " + std::string(name(code)) + " | " +
                            (executed(code) == Executed::no ? "no" : "unknown") + " | " +
                            (retryable(code) ? "yes" : "no") + " | ";
    CAPTURE(row);
    CHECK(text.find(row) != std::string::npos);
  }
}

TEST_CASE("docs/protocol.md describes every kind of frame under its number") {
  const std::string text = document();
  for (const SampleFrame& sample : sample_frames()) {
    CAPTURE(sample.name);
    const auto kind = static_cast<int>(decode_header(sample.frame)->kind);
    CHECK(text.find("` (" + std::to_string(kind) + ")") != std::string::npos);
  }
}

}  // namespace
}  // namespace coterie::wire
