#include "ring/bucket_entries.h"

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "ring/epoch_check.h"

namespace coterie {
namespace {

auto find_bucket(EpochContents& contents, std::string_view name) {
  return std::ranges::find(contents.buckets, name, &Bucket::name);
}

std::string lowered(std::string_view name, const char* which, std::uint32_t from,
                    std::uint32_t to) {
  return "bucket " + std::string(name) + ": " + which + " is " + std::to_string(from) +
         " and cannot be lowered to " + std::to_string(to) +
         ": reads could miss what was acknowledged before; a request may ask for less by itself";
}

}  // namespace

Result<void> create_bucket(EpochContents& next, Bucket bucket) {
  if (auto fine = check_bucket(bucket, next.replicas); !fine) return fine;
  if (find_bucket(next, bucket.name) != next.buckets.end()) {
    return fail(ErrorCode::refused, "there is a bucket " + bucket.name + " already");
  }
  if (next.buckets.size() >= limits::buckets) {
    return fail(ErrorCode::refused,
                "there are " + std::to_string(limits::buckets) + " buckets, as many as can be");
  }
  // Buckets are never taken away, so that no id comes twice.
  bucket.id = BucketId{next.buckets.empty() ? 1 : next.buckets.back().id.value + 1};
  next.buckets.push_back(std::move(bucket));
  return {};
}

Result<void> set_bucket(EpochContents& next, std::string_view name,
                        const BucketSettings& settings) {
  const auto found = find_bucket(next, name);
  if (found == next.buckets.end()) {
    return fail(ErrorCode::unknown_bucket, "there is no bucket " + std::string(name));
  }
  Bucket changed = *found;
  changed.r = settings.r.value_or(changed.r);
  changed.w = settings.w.value_or(changed.w);
  changed.default_ttl = settings.default_ttl.value_or(changed.default_ttl);
  if (auto fine = check_bucket(changed, next.replicas); !fine) return fine;
  if (changed.r < found->r) {
    return fail(ErrorCode::refused, lowered(name, "R", found->r, changed.r));
  }
  if (changed.w < found->w) {
    return fail(ErrorCode::refused, lowered(name, "W", found->w, changed.w));
  }
  if (changed == *found) {
    return fail(ErrorCode::refused, "bucket " + std::string(name) + " is like that already");
  }
  *found = std::move(changed);
  return {};
}

}  // namespace coterie
