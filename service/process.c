#include "service/process.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

#include "service/base/wipe.h"

enum {
    LARGE_BLOCK = 64 * 1024, /* bytes that are given back at once when they are freed */
    HEAPS = 4,
    FREED = 0x5a /* what stands where something was freed */
};

static void prepare_signals(sigset_t *waited_for)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(waited_for);
    sigaddset(waited_for, SIGTERM);
    sigaddset(waited_for, SIGINT);
    sigaddset(waited_for, SIGHUP);
    pthread_sigmask(SIG_BLOCK, waited_for, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static void prepare_memory(void)
{
    /* Pieces, packs and transcripts of 32 boards come and go: fixed, else the allocator learns to
     * keep blocks of that size to itself. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    /* What one thread has freed is of use to the others; by itself it keeps eight heaps for each
     * processor. */
    mallopt(M_ARENA_MAX, HEAPS);
    /* The start of a body that was refused unread lies in a buffer of libmicrohttpd, which does not
     * clear it. */
    mallopt(M_PERTURB, FREED);
    wipe_openssl();
    /* A core would hold keys. One byte is too little for a file, and is the kernel's word for not
     * starting a program that collects cores, which 0 does not keep from it. */
    const struct rlimit none = {1, 1};
    setrlimit(RLIMIT_CORE, &none);
}

void process_prepare(sigset_t *waited_for)
{
    prepare_signals(waited_for);
    prepare_memory();
}
