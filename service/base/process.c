#include "service/base/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static unsigned long count_entries(const char *folder)
{
    unsigned long n = 0;
    DIR *d = opendir(folder);
    while (d && readdir(d))
        n++;
    if (d) closedir(d);
    return n > 2 ? n - 2 : 0; /* "." and ".." */
}

static void read_memory(struct process_figures *out)
{
    unsigned long pages = 0, resident = 0;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%lu %lu", &pages, &resident) == 2) {
        out->virtual_bytes = pages * page;
        out->resident_bytes = resident * page;
    }
    if (f) fclose(f);
}

static double seconds(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The 22nd word of stat: ticks from the start of the host. The second one may hold blanks. */
static void read_start(struct process_figures *out)
{
    char text[1024] = "";
    FILE *f = fopen("/proc/self/stat", "re");
    if (f && fgets(text, sizeof text, f)) {
        unsigned long long ticks = 0;
        const char *rest = strrchr(text, ')');
        if (rest && sscanf(rest,
                           ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                           "%*s %*s %*s %*s %llu",
                           &ticks) == 1)
            out->started_s = seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) +
                             (double)ticks / (double)sysconf(_SC_CLK_TCK);
    }
    if (f) fclose(f);
}

void process_read(struct process_figures *out)
{
    struct rlimit files;
    memset(out, 0, sizeof *out);
    read_memory(out);
    read_start(out);
    out->cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    out->files = count_entries("/proc/self/fd");
    if (out->files) out->files--; /* that of looking */
    out->threads = count_entries("/proc/self/task");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) out->files_max = files.rlim_cur;
}
