#include "ring/bucket_entries.h"

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "ring/epoch_check.h"
#include "ring/transition/entries.h"

namespace coterie {
namespace {

auto find_bucket(EpochContents& contents, std::string_view name) {
  return std::ranges::find(contents.buckets, name, &Bucket::name);
}

/// With the lowest numbers that the bucket has had.
Bucket with_numbers(const Bucket& before, std::uint32_t r, std::uint32_t w) {
  Bucket out = before;
  out.r = r;
  out.w = w;
  const std::uint32_t least_r = std::min(before.lowest_r(), r);
  const std::uint32_t least_w = std::min(before.lowest_w(), w);
  out.least_r = least_r < r ? least_r : 0;
  out.least_w = least_w < w ? least_w : 0;
  return out;
}

/// Any read, of whatever epoch, has to meet any write that any epoch acknowledged.
Result<void> check_meeting(const Bucket& before, const Bucket& after, std::uint32_t replicas) {
  const auto refuse = [&](const char* which, std::uint32_t to, const char* other, std::uint32_t had,
                          const char* way_out) {
    return fail(ErrorCode::refused, "bucket " + after.name + ": " + which + " cannot be " +
                                        std::to_string(to) + ", since " + other + " has been " +
                                        std::to_string(had) +
                                        ": reads could miss what was acknowledged; " + way_out);
  };
  constexpr const char* weaker = "a request may ask for less by itself";
  constexpr const char* fence = "`bucket fence` has all older requests refused, then it can be";
  if (after.r + before.lowest_w() <= replicas) {
    return refuse("R", after.r, "W", before.lowest_w(), weaker);
  }
  if (after.w + before.lowest_r() <= replicas) {
    return refuse("W", after.w, "R", before.lowest_r(),
                  after.w + before.r > replicas ? fence : weaker);
  }
  return {};
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
  bucket.least_r = bucket.least_w = 0;
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
  Bucket changed =
      with_numbers(*found, settings.r.value_or(found->r), settings.w.value_or(found->w));
  changed.default_ttl = settings.default_ttl.value_or(changed.default_ttl);
  const Change* all = transition::change_of_all(next);
  if (all != nullptr && (changed.r != found->r || changed.w != found->w)) {
    return fail(ErrorCode::refused, "change " + std::to_string(all->id) +
                                        " has every partition; set R and W once it has ended");
  }
  if (auto fine = check_bucket(changed, next.replicas); !fine) {
    const auto meets = check_meeting(*found, changed, next.replicas);
    return changed.r + changed.w > next.replicas && !meets ? meets : fine;
  }
  if (changed == *found) {
    return fail(ErrorCode::refused, "bucket " + std::string(name) + " is like that already");
  }
  *found = std::move(changed);
  return {};
}

}  // namespace coterie
