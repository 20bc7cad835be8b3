// Writes what is kept of the wire format after a wanted change of it: the golden bytes and the
// seeds of its fuzz targets. usage: write_wire_samples TESTS_FOLDER

#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/wire/frame.h"
#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/samples.h"

namespace {

using namespace coterie;

bool write(const std::filesystem::path& path, BytesView bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  return file.flush().good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_wire_samples TESTS_FOLDER\n";
    return 2;
  }
  const std::filesystem::path tests = argv[1];
  const std::filesystem::path corpus = tests / "fuzz/corpus";
  for (const wire::SampleFrame& sample : wire::sample_frames()) {
    const BytesView frame = sample.frame;
    const char kind = static_cast<char>(wire::decode_header(frame).value().kind);
    const bool written =
        write(tests / "unit/wire/golden" / (sample.name + ".hex"), wire::to_golden(frame)) &&
        write(corpus / "wire_header" / sample.name, frame.substr(0, wire::header_bytes)) &&
        write(corpus / "wire_message" / sample.name,
              Bytes(1, kind) + Bytes(frame.substr(wire::header_bytes)));
    if (!written) {
      std::cerr << "cannot write " << sample.name << "\n";
      return 1;
    }
  }
  return 0;
}
