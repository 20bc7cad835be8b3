#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string content(const std::string& path) {
  std::ifstream in(std::string(COTERIE_SOURCE_ROOT) + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("the example of docs/sdk.md is the program that is compiled and run") {
  const std::string program = content("client/example.cc");
  const std::string page = content("docs/sdk.md");
  REQUIRE(program.size() > 1000);
  CHECK(page.find("```cpp\n" + program + "```\n") != std::string::npos);
}
