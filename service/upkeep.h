/* upkeep: what `espgate` does beside serving with a data directory, also while a service has it
 * open. Each says what it found on standard output, or on standard error why it cannot. */
#ifndef SERVICE_UPKEEP_H
#define SERVICE_UPKEEP_H

enum { UPKEEP_BROKEN = 3 };

/** --verify-audit. @return 0: intact; UPKEEP_BROKEN: it is not; 1: it cannot be checked */
int upkeep_verify_audit(const char *data_dir);
/** --backup. @return 0; 1: there is none */
int upkeep_backup(const char *data_dir, const char *file);
#endif
