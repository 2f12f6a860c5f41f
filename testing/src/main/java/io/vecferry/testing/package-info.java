/** Real servers for tests: {@link io.vecferry.testing.WithServer}. Knows nothing of vecferry. */
package io.vecferry.testing;
