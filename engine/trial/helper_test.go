package trial
const helperVariable = "HOTRELOAD_TRIAL_TEST_HELPER"
func helper() int { return 0 }
