#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "canopy/base/mutex.h"

namespace canopy::net {

// Checks "Authorization: Basic ..." against users and their bcrypt hashes, as Prometheus's web
// configuration has them. Thread-safe.
class BasicAuthenticator {
 public:
  explicit BasicAuthenticator(std::map<std::string, std::string> users);

  // Takes as long for a user that does not exist as for a wrong password.
  bool Allow(std::string_view authorization);

 private:
  bool Matches(const std::string& password, const std::string& hash) CANOPY_REQUIRES(mu_);

  const std::map<std::string, std::string> users_;
  const std::string nobodys_hash_;
  // One bcrypt at a time, so that guessing passwords does not take all processors.
  Mutex mu_;
  // Hashes of (user, hash, password) that were right: bcrypt is slow on purpose, and a client comes
  // again every few seconds.
  std::set<std::string> known_ CANOPY_GUARDED_BY(mu_);
};

// Standard alphabet, padding needed. False when it is none.
bool DecodeBase64(std::string_view text, std::string& out);

}  // namespace canopy::net
