#pragma once
// System calls that glibc gives no function for, or only a variadic one that Swift cannot call. No logic.
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

struct linux_landlock_ruleset { uint64_t handled_access_fs, handled_access_net, scoped; };
struct linux_landlock_path { uint64_t allowed_access; int32_t parent_fd; } __attribute__((packed));
struct linux_open_how { uint64_t flags, mode, resolve; };
struct linux_filter { uint16_t code; uint8_t jt, jf; uint32_t k; };
struct linux_program { uint16_t count; const struct linux_filter *filter; };

static inline long linux_landlock_create(const struct linux_landlock_ruleset *attributes, size_t size, uint32_t flags) {
  return syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}
static inline long linux_landlock_add_path(int ruleset, const struct linux_landlock_path *rule) {
  return syscall(SYS_landlock_add_rule, ruleset, 1, rule, 0);
}
static inline long linux_landlock_restrict(int ruleset) { return syscall(SYS_landlock_restrict_self, ruleset, 0); }
static inline long linux_seccomp_filter(const struct linux_program *program, unsigned flags) {
  return syscall(SYS_seccomp, 1, flags, program);
}
static inline int linux_prctl(int option, unsigned long argument) { return prctl(option, argument, 0, 0, 0); }
/* renameat2(2), in this directory: RENAME_NOREPLACE is 1, RENAME_EXCHANGE 2. */
static inline long linux_rename(const char *old, const char *new, unsigned flags) {
  return syscall(SYS_renameat2, -100 /* AT_FDCWD */, old, -100, new, flags);
}
static inline long linux_openat2(int directory, const char *path, const struct linux_open_how *how) {
  return syscall(SYS_openat2, directory, path, how, sizeof *how);
}
