#include "service/base/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
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

static void read_line(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "re");
    out[0] = '\0';
    if (f && !fgets(out, (int)cap, f)) out[0] = '\0';
    if (f) fclose(f);
}

/* The word behind so many others. @return 0 when it is none */
static uint64_t number_at(const char *text, int words)
{
    for (; words; words--) {
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    return strtoull(text, NULL, 10);
}

static void read_memory(struct process_figures *out)
{
    char text[256];
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    read_line("/proc/self/statm", text, sizeof text);
    out->virtual_bytes = number_at(text, 0) * page;
    out->resident_bytes = number_at(text, 1) * page;
}

static double seconds(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The 22nd word of stat: ticks from the start of the host. The second one, in brackets, may hold
 * anything. */
static void read_start(struct process_figures *out)
{
    char text[1024];
    read_line("/proc/self/stat", text, sizeof text);
    const char *rest = strrchr(text, ')');
    if (!rest) return;
    out->started_s = seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) +
                     (double)number_at(rest, 20) / (double)sysconf(_SC_CLK_TCK);
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
