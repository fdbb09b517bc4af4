/* process: what this process takes of its host, as Linux says. */
#ifndef SERVICE_BASE_PROCESS_H
#define SERVICE_BASE_PROCESS_H

#include <stdint.h>

struct process_figures {
    uint64_t resident_bytes, virtual_bytes;
    double cpu_s;     /* of all threads, in user and kernel */
    double started_s; /* since 1970 */
    unsigned long files, files_max;
    unsigned long threads;
};
/** What cannot be read is 0. */
void process_read(struct process_figures *out);
#endif
