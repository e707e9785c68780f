export { findProgram, hasProgram } from "./programs/find-program.ts";
export { startProgram, type ProgramOptions, type ProgramPlace, type RunningProgram } from "./programs/start-program.ts";
export { startRedis, type RedisOptions, type RunningRedis } from "./programs/redis.ts";
export { startPostgres, type PostgresAddress, type PostgresOptions, type RunningPostgres } from "./programs/postgres.ts";
