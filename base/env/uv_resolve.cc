#include "base/env/uv_resolve.h"

#include <uv.h>

#include <memory>

#include "base/env/uv_address.h"

namespace coterie {

namespace {

using Done = std::move_only_function<void(Result<std::vector<Address>>)>;

struct Request {
  uv_getaddrinfo_t info{};
  Address name;
  Done done;
};

void on_resolved(uv_getaddrinfo_t* info, int status, addrinfo* found) {
  const std::unique_ptr<Request> request(static_cast<Request*>(info->data));
  const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> owned(found, &uv_freeaddrinfo);
  if (info->loop->data == nullptr) return;  // the loop ends
  if (status < 0) {
    request->done(std::unexpected(
        uv::error(ErrorCode::not_found, status, "cannot resolve '" + request->name.host + "'")));
    return;
  }
  std::vector<Address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address address = uv::from_socket_address(each->ai_addr);
    address.port = request->name.port;
    if (!address.host.empty()) addresses.push_back(std::move(address));
  }
  if (addresses.empty()) {
    request->done(fail(ErrorCode::not_found, "'" + request->name.host + "' has no address"));
    return;
  }
  request->done(std::move(addresses));
}

}  // namespace

void resolve(UvLoop& loop, const Address& name, Done done) {
  if (uv::to_socket_address(name)) {
    loop.timers().start(Duration::zero(), [name, done = std::move(done)]() mutable {
      done(std::vector<Address>{name});
    });
    return;
  }
  auto request = std::make_unique<Request>();
  request->info.data = request.get();
  request->name = name;
  request->done = std::move(done);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(loop.raw(), &request->info, &on_resolved, name.host.c_str(), nullptr, &hints);
  if (status == 0) {
    static_cast<void>(request.release());  // on_resolved owns it now
    return;
  }
  loop.timers().start(Duration::zero(), [status, request = std::move(request)] {
    request->done(std::unexpected(
        uv::error(ErrorCode::not_found, status, "cannot resolve '" + request->name.host + "'")));
  });
}

}  // namespace coterie
