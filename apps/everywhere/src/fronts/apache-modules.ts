/** Where Debian has the modules of Apache httpd. */
export const apacheModules: string = "/usr/lib/apache2/modules";
