#include "base/env/file_descriptor.h"

#include <unistd.h>

namespace coterie {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace coterie
