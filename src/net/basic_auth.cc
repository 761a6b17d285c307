#include "basic_auth.h"

#include <crypt.h>

#include <cstdint>
#include <memory>

#include "canopy/base/hash.h"
#include "canopy/net/headers.h"

namespace canopy::net {
namespace {

constexpr size_t kMaxKnown = 100;

int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// Some hash of the same cost, so that checking against it takes as long.
std::string AnyHash(const std::map<std::string, std::string>& users) {
  return users.empty() ? std::string() : users.begin()->second;
}

// In a time that does not depend on where they differ.
bool SameBytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace

bool DecodeBase64(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int v = i < text.size() - padding ? Base64Value(text[i]) : 0;
    if (v < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(v);
    if (i % 4 == 3) {
      for (int shift = 16; shift >= 0; shift -= 8) out.push_back(static_cast<char>(bits >> shift));
      bits = 0;
    }
  }
  out.resize(out.size() - padding);
  return true;
}

BasicAuthenticator::BasicAuthenticator(std::map<std::string, std::string> users)
    : users_(std::move(users)), nobodys_hash_(AnyHash(users_)), mu_(LockRank::kNet) {}

bool BasicAuthenticator::Matches(const std::string& password, const std::string& hash) {
  // Too large for a stack.
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  return made != nullptr && SameBytes(made, hash);
}

bool BasicAuthenticator::Allow(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  std::string decoded;
  if (!SameHeader(authorization.substr(0, kScheme.size()), kScheme) ||
      !DecodeBase64(authorization.substr(kScheme.size()), decoded))
    return false;
  const size_t colon = decoded.find(':');
  if (colon == std::string::npos) return false;
  const std::string password = decoded.substr(colon + 1);
  // crypt() would take a password with a zero byte for a shorter one.
  if (password.find('\0') != std::string::npos) return false;
  const auto user = users_.find(decoded.substr(0, colon));
  const bool exists = user != users_.end();
  const std::string& hash = exists ? user->second : nobodys_hash_;
  const std::string key = base::Sha256Hex(hash + '\n' + decoded);

  MutexLock lock(mu_);
  if (exists && known_.contains(key)) return true;
  if (!Matches(password, hash) || !exists) return false;
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.insert(key);
  return true;
}

}  // namespace canopy::net
