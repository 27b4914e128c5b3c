/**
 * In the place of `@azure/identity`, which the SQL Server driver loads for logins with Microsoft Entra ID alone: RDS has none
 * (a master user and SQL logins), and it is a third of the bundle.
 */
export {};
