#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "client/admin_tool/fetch.h"
#include "node/admin/http_door.h"
#include "node/admin/routes.h"
#include "tests/unit/admin/samples.h"

namespace coterie::admin_samples {

inline const Address any_port{.host = "127.0.0.1", .port = 0};

/// A door over answers that a test sets.
struct AnyDoor {
  std::mutex mutex;
  Result<NodeStatus> status = status_of();
  Result<std::vector<Result<std::uint64_t>>> outcomes = std::vector<Result<std::uint64_t>>{2, 3};
  std::vector<topology::Order> orders;
  Result<topology::Answer> answer = topology::Answer{.epoch = epoch_of(3)};
  int stops = 0;
  std::unique_ptr<admin::HttpDoor> http;

  AnyDoor() {
    auto opened = admin::HttpDoor::open(
        any_port,
        admin::routes(
            {.status =
                 [this] {
                   const std::scoped_lock lock(mutex);
                   return status;
                 },
             .inspect = [](PartitionId, const Bytes&) { return std::vector<Inspection>{}; },
             .on_all_shards = [this](const admin::ShardTask&) { return outcomes; },
             .order =
                 [this](const topology::Order& order) {
                   orders.push_back(order);
                   return answer;
                 },
             .stop = [this] { ++stops; }}));
    REQUIRE(opened);
    http = *std::move(opened);
  }
  template <class Change>
  void change(Change make) {
    const std::scoped_lock lock(mutex);
    make(status);
  }
  admin_tool::Fetched get(const std::string& path) const {
    auto fetched = admin_tool::fetch(http->address(), path);
    REQUIRE_MESSAGE(fetched, fetched.error().message);
    return *std::move(fetched);
  }
  admin_tool::Fetched post(const std::string& path, const std::string& order) const {
    auto said = admin_tool::post_patiently(http->address(), path, order);
    REQUIRE_MESSAGE(said, said.error().message);
    return *std::move(said);
  }
};

}  // namespace coterie::admin_samples
