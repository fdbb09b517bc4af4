/* nvs_scan: what lies where in an NVS partition: its pages and the entries that are heads, before
 * anything is made of them. For the reader and the editor. Everything borrows from the bytes. */
#ifndef SERVICE_PKI_NVS_SCAN_H
#define SERVICE_PKI_NVS_SCAN_H

#include "service/pki/nvs_page.h"

struct nvs_used_page {
    const uint8_t *p;
    uint32_t sequence, state;
    size_t used; /* entries that are marked written */
};

/** An entry that is a head, with what it spans: all of it checks. */
struct nvs_head {
    const uint8_t *p;
    uint8_t space, type, chunk;
    char key[NVS_NAME]; /* NUL to its end */
    size_t span;        /* entries */
    size_t n;           /* bytes of data behind it */
    size_t page;        /* index in nvs_scan.pages */
    bool gone;          /* a later one took its place */
};

struct nvs_scan {
    const uint8_t *data;
    size_t size;
    struct nvs_used_page *pages; /* by sequence number */
    size_t page_count;
    struct nvs_head *heads; /* in the order in which they were written */
    size_t head_count;
    const char *spaces[NVS_SPACES]; /* names of the namespaces by their number; NULL = none */
    struct nvs_findings found;
};

/** @return as nvs_read(); dispose it in any case */
enum err nvs_scan_make(const uint8_t *data, size_t size, struct nvs_scan *out);
void nvs_scan_dispose(struct nvs_scan *s);
/** The name of a head's namespace; NULL when it has none. */
const char *nvs_scan_space(const struct nvs_scan *s, const struct nvs_head *h);

/** Is nothing written here, all 0xFF? */
bool nvs_is_blank(const uint8_t *p, size_t n);

/** Make items of what was found; what is met is added to the findings. @param out  initialised,
 * empty @return ERR_OK, ERR_MEM */
enum err nvs_read_scan(struct nvs_scan *s, struct nvs *out);
#endif
