/** The file of the part that is loaded on demand, compiled in by vite.main.config.ts. */
declare const __UI_FILE__: string;
