export * from './support/trees';
