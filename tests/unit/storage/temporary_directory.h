#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace coterie {

/// A directory of its own that goes when the test ends.
struct TemporaryDirectory {
  std::string path = make();

  TemporaryDirectory() = default;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

 private:
  static std::string make() {
    auto pattern = (std::filesystem::temp_directory_path() / "coterie-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    return pattern;
  }
};

}  // namespace coterie
