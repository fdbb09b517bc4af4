/* board_process: runs a simulated board (tests/board, a program of its own) for tests that talk to
 * it through the real serial backend. The shim that gives pseudo-terminals their modem lines must
 * be loaded before this program starts, so it starts itself again with it.
 *
 * Where the programs are: $BIN_DIR, else the build folder that this program lies in. */
#ifndef TESTS_UNIT_FLASH_BOARD_PROCESS_H
#define TESTS_UNIT_FLASH_BOARD_PROCESS_H

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOARD_FLASH = 4 * 1024 * 1024, BOARD_ARGS = 24 };

struct board_process {
    pid_t pid;
    char dir[64], download[96], at[96], flash_path[96], lines[96];
    uint8_t *flash; /* the chip itself, mapped */
};

static inline void board_die(const char *what)
{
    perror(what);
    exit(1);
}

static inline const char *board_bin_dir(void)
{
    static char dir[PATH_MAX];
    const char *env = getenv("BIN_DIR");
    if (env) return env;
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    if (n < 0) board_die("/proc/self/exe");
    dir[n] = '\0';
    char *tests = strstr(dir, "/tests/");
    if (tests) *tests = '\0';
    return dir;
}

/* The sanitizer's library, which has to stand before the shim: as this program has it loaded. */
static inline void board_find_sanitizer(char *out, size_t cap)
{
    char line[PATH_MAX + 100];
    FILE *f = fopen("/proc/self/maps", "re");
    out[0] = '\0';
    while (f && !out[0] && fgets(line, sizeof line, f)) {
        char *path = strchr(line, '/');
        if (!path || (!strstr(path, "/libasan.so") && !strstr(path, "/libtsan.so"))) continue;
        path[strcspn(path, "\n")] = '\0';
        snprintf(out, cap, "%s ", path);
    }
    if (f) fclose(f);
}

/* First thing in main(): this program again, with the shim. */
static inline void board_preload_shim(char **argv)
{
    char sanitizer[PATH_MAX], value[3 * PATH_MAX];
    const char *now = getenv("LD_PRELOAD");
    if (now && strstr(now, "ptymodem.so")) return;
    board_find_sanitizer(sanitizer, sizeof sanitizer);
    snprintf(value, sizeof value, "%s%s/ptymodem.so", sanitizer, board_bin_dir());
    char dir[] = "/tmp/lines-XXXXXX";
    if (!getenv("PTYMODEM_DIR") && (!mkdtemp(dir) || setenv("PTYMODEM_DIR", dir, 1)))
        board_die("PTYMODEM_DIR");
    if (setenv("LD_PRELOAD", value, 1) || setenv("BIN_DIR", board_bin_dir(), 1))
        board_die("setenv");
    execv("/proc/self/exe", argv);
    board_die("exec");
}

/* Last thing in main(). */
static inline void board_remove_lines(void)
{
    const char *dir = getenv("PTYMODEM_DIR");
    if (dir && !strncmp(dir, "/tmp/lines-", 11)) rmdir(dir);
}

/* Every byte something else than 0xFF and than its neighbours. */
static inline void board_fill_flash(const char *path)
{
    static uint8_t used[BOARD_FLASH];
    for (size_t i = 0; i < BOARD_FLASH; i++)
        used[i] = (uint8_t)(i * 7 + i / 256);
    FILE *f = fopen(path, "we");
    if (!f || fwrite(used, 1, sizeof used, f) != sizeof used || fclose(f)) board_die(path);
}

static inline void board_wait_ready(struct board_process *b, int fd)
{
    char line[64] = "";
    size_t n = 0;
    while (n + 1 < sizeof line && !memchr(line, '\n', n)) {
        ssize_t got = read(fd, line + n, sizeof line - 1 - n);
        if (got <= 0) break;
        n += (size_t)got;
    }
    close(fd);
    if (!strncmp(line, "espboard ready\n", 15)) return;
    fprintf(stderr, "espboard does not start (%s/espboard)\n", board_bin_dir());
    kill(b->pid, SIGKILL);
    exit(1);
}

static inline void board_exec(const char *const *argv, int out)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/espboard", board_bin_dir());
    if (dup2(out, 1) < 0 || unsetenv("LD_PRELOAD")) _exit(127);
    /* exec() takes away what it does not change. */
    execv(path, (char *const *)(uintptr_t)argv);
    _exit(127);
}

/** Start a board. @param used  its flash is full of old bytes, else that of the stock firmware
 *  @param more  further options, NULL at the end */
static inline void board_start(struct board_process *b, bool used, const char *const *more)
{
    int ready[2];
    *b = (struct board_process){0};
    strcpy(b->dir, "/tmp/board-XXXXXX");
    if (!mkdtemp(b->dir)) board_die("mkdtemp");
    snprintf(b->download, sizeof b->download, "%s/download", b->dir);
    snprintf(b->at, sizeof b->at, "%s/at", b->dir);
    snprintf(b->flash_path, sizeof b->flash_path, "%s/flash.bin", b->dir);
    if (used) board_fill_flash(b->flash_path);
    const char *argv[BOARD_ARGS] = {"espboard",  "--flash", b->flash_path, "--download",
                                    b->download, "--at",    b->at};
    for (size_t n = 7; more && *more && n + 1 < BOARD_ARGS; n++)
        argv[n] = *more++;
    if (pipe2(ready, O_CLOEXEC)) board_die("pipe");
    b->pid = fork();
    if (b->pid < 0) board_die("fork");
    if (b->pid == 0) board_exec(argv, ready[1]);
    close(ready[1]);
    board_wait_ready(b, ready[0]);
    int fd = open(b->flash_path, O_RDWR | O_CLOEXEC);
    b->flash = mmap(NULL, BOARD_FLASH, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || b->flash == MAP_FAILED) board_die(b->flash_path);
    close(fd);
}

/** @return its exit status */
static inline int board_stop(struct board_process *b)
{
    int status = 0;
    munmap(b->flash, BOARD_FLASH);
    kill(b->pid, SIGTERM);
    waitpid(b->pid, &status, 0);
    unlink(b->flash_path);
    unlink(b->download);
    unlink(b->at);
    rmdir(b->dir);
    return status;
}
#endif
