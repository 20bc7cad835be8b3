#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/config.h"

namespace coterie {

/// A value as a configuration file may state it.
using SettingValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

/// How one setting is read, checked and shown.
struct Setting {
  std::string_view section;
  std::string_view key;
  std::string_view unit;
  std::string_view meaning;
  /// Takes a value into the configuration; the error says what would be right.
  std::function<Result<void>(Config&, const SettingValue&)> set;
  std::function<std::string(const Config&)> show;
};

/// Every setting but the buckets'.
[[nodiscard]] const std::vector<Setting>& all_settings();

/// The same for one [[bucket]].
struct BucketSetting {
  std::string_view key;
  std::string_view unit;
  std::string_view meaning;
  std::function<Result<void>(Bucket&, const SettingValue&)> set;
  std::function<std::string(const Bucket&)> show;
};
[[nodiscard]] const std::vector<BucketSetting>& bucket_settings();

/// All of both with their defaults, as the table of docs/configuration.md.
[[nodiscard]] std::string settings_table();

}  // namespace coterie
