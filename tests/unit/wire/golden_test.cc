#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/samples.h"

namespace coterie::wire {
namespace {

const std::filesystem::path golden_folder = COTERIE_WIRE_GOLDEN;

TEST_CASE("frames have the bytes they always had") {
  // A difference here is a change of the protocol. Old nodes must still read what is sent: only new
  // fields, at the end of a table. Then write_wire_samples makes the files anew.
  for (const SampleFrame& sample : sample_frames()) {
    CAPTURE(sample.name);
    std::ifstream file(golden_folder / (sample.name + ".hex"));
    REQUIRE(file);
    const std::string golden{std::istreambuf_iterator<char>(file), {}};
    CHECK(golden == to_golden(sample.frame));
  }
}

TEST_CASE("every golden file has its sample") {
  std::set<std::string> named;
  for (const SampleFrame& sample : sample_frames()) {
    CHECK(named.insert(sample.name + ".hex").second);
  }
  std::set<std::string> kept;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder)) {
    kept.insert(entry.path().filename().string());
  }
  CHECK(kept == named);
}

}  // namespace
}  // namespace coterie::wire
